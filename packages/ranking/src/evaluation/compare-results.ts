import { type Interval, mean, pairedBootstrap, type Random } from '@gram/base';
import { RewardError } from '../comparator/error.js';

/** The score of a model on one item, 0 to 1. */
export interface ItemScore {
  readonly id: string;
  readonly correct: number;
}

/** The difference of two models on the same items. */
export interface ResultComparison {
  readonly items: number;
  /** Mean of `correct` of each model. */
  readonly scores: readonly [number, number];
  /** Mean of first minus second, with its 95 % interval, see `pairedBootstrap`. */
  readonly difference: number;
  readonly interval: Interval;
  /** Items that only the first model has fully right, and only the second. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** P-value that `mcNemar` gives for these two numbers. */
  readonly pValue: number;
}

/**
 * Computes the exact two-sided p-value of McNemar's test (McNemar 1947, in its binomial form): if both models were equally good, each item
 * that only one has right would be a fair coin toss. min(1, 2 P(X <= min(b, c))) with X binomial of b + c tosses. It is
 * computed in integers and rounded once.
 *
 * @throws RewardError `bad-values` unless both are whole numbers of 0 or more
 */
export function mcNemar(onlyFirst: number, onlySecond: number): number {
  if (![onlyFirst, onlySecond].every((count) => Number.isSafeInteger(count) && count >= 0)) {
    throw new RewardError('bad-values', 'counts of items must be whole numbers', 'give numbers of 0 or more');
  }
  const n = onlyFirst + onlySecond;
  let [term, tail] = [1n, 1n];
  for (let k = 1; k <= Math.min(onlyFirst, onlySecond); k++) {
    term = (term * BigInt(n - k + 1)) / BigInt(k);
    tail += term;
  }
  // 2 tail / 2^n; some 80 leading bits of the tail are kept, far more than a number holds.
  const bits = tail.toString(2).length;
  const cut = Math.max(0, bits - 80);
  return Math.min(1, Number(tail >> BigInt(cut)) * 2 ** (1 + cut - n));
}

/**
 * Compares two models on the same items in the same order: the difference of their scores, and whether chance explains it.
 * McNemar's test asks about items that are fully right (`correct` is 1), the interval about the mean of `correct`. Both
 * take the items as independent of each other.
 *
 * @param random draws the resamples of the interval
 * @throws RewardError `no-pairs` for empty lists, `bad-values` for lists that do not belong together
 */
export function compareResults(
  first: readonly ItemScore[],
  second: readonly ItemScore[],
  random: Pick<Random, 'integer'>,
): ResultComparison {
  checkSameItems(first, second);
  const [a, b] = [first.map(({ correct }) => correct), second.map(({ correct }) => correct)];
  const only = (these: number[], those: number[]) =>
    these.filter((correct, at) => correct === 1 && those[at] !== 1).length;
  const [onlyFirst, onlySecond] = [only(a, b), only(b, a)];
  return {
    items: a.length,
    scores: [mean(a), mean(b)],
    ...pairedBootstrap(a, b, random),
    onlyFirst,
    onlySecond,
    pValue: mcNemar(onlyFirst, onlySecond),
  };
}

function checkSameItems(first: readonly ItemScore[], second: readonly ItemScore[]): void {
  const hint = 'give the results of both models on the same items, in the same order';
  if (first.length !== second.length) {
    const message = `there are ${second.length} results to compare with ${first.length}`;
    throw new RewardError('bad-values', message, hint);
  }
  if (first.length === 0) {
    throw new RewardError('no-pairs', 'there are no results to compare', 'give at least one result');
  }
  for (const [at, { id }] of first.entries()) {
    const other = second[at]?.id;
    if (id === other) continue;
    const message = `result ${at + 1} is of item ${JSON.stringify(id)} and of item ${JSON.stringify(other)}`;
    throw new RewardError('bad-values', message, hint);
  }
}
