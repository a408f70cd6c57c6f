import { type Interval, mean, type Random } from '@gram/base';
import { RewardError } from '../comparator/error.js';
import type { EvaluatedPair } from './evaluate.js';
import { shareInterval } from './share-interval.js';

/** A probability nearer to 0.5 than this is a near tie. */
const NEAR_TIE = 0.02;

/** Differences between the verdicts of two models on the same pairs. */
export interface FlipReport {
  /** Number of pairs. */
  readonly pairs: number;
  /** Number of pairs on which the preferred response differs. A tie is a verdict of its own. */
  readonly count: number;
  /** `count` as a fraction of the pairs. */
  readonly share: number;
  /** 95 % interval of the share, see `shareInterval`. */
  readonly interval: Interval;
  /** Mean of the absolute change of the probability of the chosen response. */
  readonly meanChange: number;
  /** Largest absolute change of that probability. */
  readonly largestChange: number;
  /**
   * Number of flips whose probability in the reference was less than 0.02 away from a tie. Rounding moves such pairs
   * easily; the other flips say that the model itself has changed.
   */
  readonly nearTies: number;
}

/**
 * Measures how often a model prefers another response than the reference does, for example with 8-bit weights and in float32.
 * Two models of equal accuracy may well disagree on many pairs: accuracy only sees the balance of what got better and worse.
 *
 * @param reference results of the pairs, see `evaluatePairs`
 * @param other results of the same pairs, in the same order
 * @param random draws the resamples of the interval
 * @throws RewardError `no-pairs` for empty lists; `bad-values` for lists that do not belong together
 */
export function preferenceFlips(
  reference: readonly EvaluatedPair[],
  other: readonly EvaluatedPair[],
  random: Pick<Random, 'integer'>,
): FlipReport {
  const both = samePairs(reference, other);
  const flipped = both.map(([before, after]) => verdict(before) !== verdict(after));
  const changes = both.map(([before, after]) => Math.abs(before.score_chosen - after.score_chosen));
  const flips = reference.filter((_, index) => flipped[index]);
  return {
    pairs: both.length,
    count: flips.length,
    share: flips.length / both.length,
    interval: shareInterval(flipped.map(Number), random),
    meanChange: mean(changes),
    largestChange: changes.reduce((largest, change) => Math.max(largest, change), 0),
    nearTies: flips.filter(({ score_chosen }) => Math.abs(score_chosen - 0.5) < NEAR_TIE).length,
  };
}

/** Returns 1 for the chosen response, -1 for the rejected one, 0 for a tie. */
function verdict({ score_chosen, score_rejected }: EvaluatedPair): number {
  return Math.sign(score_chosen - score_rejected);
}

function samePairs(
  reference: readonly EvaluatedPair[],
  other: readonly EvaluatedPair[],
): [EvaluatedPair, EvaluatedPair][] {
  const refuse = (problem: string) =>
    new RewardError(
      'bad-values',
      problem,
      'give the results of both models on the same pairs, in the same order',
    );
  if (reference.length !== other.length) {
    throw refuse(`there are ${other.length} results to compare with ${reference.length}`);
  }
  if (reference.length === 0) {
    throw new RewardError('no-pairs', 'there are no results to compare', 'give at least one pair');
  }
  return reference.map((pair, index) => {
    const found = other[index];
    if (found?.id === pair.id) return [pair, found];
    const [first, second] = [JSON.stringify(found?.id), JSON.stringify(pair.id)];
    throw refuse(`result ${index + 1} is of pair ${first} and of ${second} in the reference`);
  });
}
