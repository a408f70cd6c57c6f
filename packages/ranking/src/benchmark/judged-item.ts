import type { BenchmarkItem } from './item.js';

/** The verdict of a model on two responses of an item. */
export interface ComparedPair {
  /** Positions of the two responses in the item. */
  readonly pair: readonly [number, number];
  /** Probability that the first of the two is preferred, the mean of both orders. */
  readonly probability: number;
  /** The same probability with that response shown first, and second; undefined for a model that sees one at a time. */
  readonly orders?: readonly [number, number];
  /** Whether both orders prefer the same response. */
  readonly consistent: boolean;
}

/** A benchmark item that was judged: everything that the scores of a benchmark depend on. */
export interface JudgedItem
  extends Pick<BenchmarkItem, 'subset' | 'preferred' | 'correctResponses' | 'tags'> {
  /** Length of each response, in characters (code points). */
  readonly lengths: readonly number[];
  readonly comparisons: readonly ComparedPair[];
}

/** The result of one item of a benchmark, fit to be a line of a JSON Lines file. */
export interface BenchmarkResult extends JudgedItem {
  readonly id: string;
  /** Score of the model on the item, 0 to 1; see `correctness`. */
  readonly correct: number;
  /** Whether text was cut to fit the model. */
  readonly truncated: boolean;
  /** Whether marks of the prompt in the texts were escaped. */
  readonly neutralized: boolean;
}

/** The label of a pair, and the verdict on one. */
export type Verdict = BenchmarkItem['preferred'];

/**
 * Returns 1 if the better response has the strictly higher probability in every pair, otherwise 0. A list is therefore right
 * when its best response beats every other one, and an exact tie is wrong.
 */
export function everyPairRight({ comparisons, preferred }: JudgedItem): number {
  return Number(comparisons.every((pair) => verdict(pair) === preferred));
}

/** Returns the response that the mean of both orders prefers, strictly. */
export function verdict({ probability }: Pick<ComparedPair, 'probability'>): Verdict {
  const other = 1 - probability;
  return probability > other ? 'first' : probability < other ? 'second' : 'tie';
}

/** Returns the verdict of one order, from the probability that the first response of the pair is preferred. */
export function orderVerdict(probability: number): Verdict {
  return probability > 0.5 ? 'first' : probability < 0.5 ? 'second' : 'tie';
}

/** Returns the only comparison of an item that has one pair. */
export function onlyComparison({ comparisons }: Pick<JudgedItem, 'comparisons'>): ComparedPair {
  const [only] = comparisons;
  if (only === undefined) throw new RangeError('the item has no comparison');
  return only;
}
