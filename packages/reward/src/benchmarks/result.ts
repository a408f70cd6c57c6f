import { mean } from '@gram/base';
import type { BenchmarkName } from '@gram/data';

/** What a model said about two responses of an item. */
export interface ComparedPair {
  /** Places of the two responses in the item. */
  readonly pair: readonly [number, number];
  /** Probability that the first of the two is preferred, the mean of both orders. */
  readonly probability: number;
  /** The same when it is shown first, and second; undefined for a model that sees one response at a time. */
  readonly orders?: readonly [number, number];
  /** Whether both orders prefer the same response. */
  readonly consistent: boolean;
}

/** The result of one item of a benchmark, fit to be a line of a JSON Lines file. */
export interface BenchmarkResult {
  readonly id: string;
  readonly subset: string;
  /** How right the model is on the item, 0 to 1; see `correctness`. */
  readonly correct: number;
  /** Which response of each pair is better. */
  readonly preferred: 'first' | 'second' | 'tie';
  /** RewardBench 2: the number of correct responses, which come first. */
  readonly correctResponses?: number;
  /** Of each response, in characters (code points). */
  readonly lengths: readonly number[];
  readonly comparisons: readonly ComparedPair[];
  /** Whether text was cut to fit the model. */
  readonly truncated: boolean;
}

/** What the metrics read of a result. */
export type Judged = Pick<
  BenchmarkResult,
  'subset' | 'preferred' | 'correctResponses' | 'lengths' | 'comparisons'
>;

/**
 * How right a model is on one item:
 *
 * - PandaLM: 1 if the predicted class (first, second, tie) is the majority's, see `predictedClass`;
 * - RewardBench 2: 1 over the number of responses that share the highest score if a correct one is among them, and in the
 *   subset `Ties` 1 if every correct response has a higher reward than every other one; see `responseScores` and
 *   `responseRewards`;
 * - RM-Bench: the part of the nine comparisons that is right;
 * - else 1 if the better response has the strictly higher probability in every pair. So best-of-n is right when the best
 *   response beats every loser, and an exact tie is wrong.
 */
export function correctness(name: BenchmarkName, result: Judged): number {
  if (result.correctResponses !== undefined) {
    const { correctResponses, subset } = result;
    return subset === 'Ties'
      ? Number(topOfScores(responseRewards(result), correctResponses).gap > 0)
      : topOfScores(responseScores(result), correctResponses).credit;
  }
  const { comparisons, preferred } = result;
  if (name === 'pandalm') return Number(predictedClass(comparisons[0]!) === preferred);
  const right = comparisons.map((pair) => Number(verdict(pair) === preferred));
  return name === 'rm-bench' ? mean(right) : Math.min(...right);
}

/** The log-odds of the largest probability below 1 are 36.7. */
const MOST_LOG_ODDS = 36;

/** The response that the mean of both orders prefers, strictly. */
export function verdict({ probability }: Pick<ComparedPair, 'probability'>): 'first' | 'second' | 'tie' {
  const other = 1 - probability;
  return probability > other ? 'first' : probability < other ? 'second' : 'tie';
}

/** The verdict of one order, from the probability that the first response of the pair is preferred. */
export function orderVerdict(probability: number): 'first' | 'second' | 'tie' {
  return probability > 0.5 ? 'first' : probability < 0.5 ? 'second' : 'tie';
}

/**
 * One of three classes: a response that both orders prefer, else a tie. PandaLM's own judge is asked in both orders as well,
 * and a conflict counts as a tie (Wang et al. 2023). A model without orders says tie at exactly 0.5 only.
 */
export function predictedClass({ probability, orders }: ComparedPair): 'first' | 'second' | 'tie' {
  const [first, second] = orders ?? [probability, probability];
  return orderVerdict(first) === orderVerdict(second) ? orderVerdict(first) : 'tie';
}

/**
 * One score for each response, where all pairs were compared: the mean probability of being preferred to another one, as
 * `rank` has it. A pairwise model has no score of its own for a response.
 */
export function responseScores({ lengths, comparisons }: Pick<Judged, 'lengths' | 'comparisons'>): number[] {
  const sums = new Float64Array(lengths.length);
  for (const { pair, probability } of comparisons) {
    sums[pair[0]]! += probability;
    sums[pair[1]]! += 1 - probability;
  }
  return Array.from(sums, (sum) => sum / (lengths.length - 1));
}

/**
 * One reward for each response, where all pairs were compared: the mean log-odds of being preferred, itself included as 0. Of
 * all rewards with mean 0 these fit the log-odds of the pairs best, by least squares; those of a discriminative model are its
 * own, apart from their mean. Log-odds beyond 36 can not be told from certainty, and count as 36.
 */
export function responseRewards({ lengths, comparisons }: Pick<Judged, 'lengths' | 'comparisons'>): number[] {
  const sums = new Float64Array(lengths.length);
  for (const { pair, probability } of comparisons) {
    const odds = Math.log(probability) - Math.log1p(-probability);
    const bounded = Math.max(-MOST_LOG_ODDS, Math.min(MOST_LOG_ODDS, odds));
    sums[pair[0]]! += bounded;
    sums[pair[1]]! -= bounded;
  }
  return Array.from(sums, (sum) => sum / lengths.length);
}

/**
 * How scores of which the first `correct` ones belong to correct responses lie to each other: the credit for the top (1 over
 * the number that share it, or 0), the gap between the worst correct and the best other one, and the spread of the correct.
 */
export function topOfScores(
  scores: readonly number[],
  correct: number,
): { credit: number; gap: number; spread: number } {
  const [good, bad] = [scores.slice(0, correct), scores.slice(correct)];
  const [best, worst, rival] = [Math.max(...good), Math.min(...good), Math.max(...bad)];
  const sharing = scores.filter((score) => score === best).length;
  return { credit: best >= rival ? 1 / sharing : 0, gap: worst - rival, spread: best - worst };
}
