import { bootstrapInterval, type Interval, mean, type Random } from '@gram/base';
import { RewardError } from './error.js';
import type { EvaluatedPair } from './evaluate.js';

/** How far from 0.5 the probability of a near tie is at most. */
const NEAR_TIE = 0.02;

/** How the verdicts of two models on the same pairs differ. */
export interface FlipReport {
  /** Number of pairs. */
  readonly pairs: number;
  /** Number of pairs on which the preferred response differs. A tie is a verdict of its own. */
  readonly count: number;
  /** `count` as a fraction of the pairs. */
  readonly share: number;
  /**
   * 95 % interval of the share, see `bootstrapInterval`. With no flip, or nothing else, resamples would all be equal; it is
   * then the exact one.
   */
  readonly interval: Interval;
  /** Mean of the absolute change of the probability of the chosen response. */
  readonly meanChange: number;
  /** Largest absolute change of that probability. */
  readonly largestChange: number;
  /**
   * Number of flips whose probability in the reference was less than 0.02 away from a tie. Rounding moves such pairs
   * easily; the others are the flips that say that the model itself has changed.
   */
  readonly nearTies: number;
}

/**
 * How often a model prefers another response than the reference does, for example with 8-bit weights and in float32. Two
 * models of equal accuracy may well disagree on many pairs: accuracy only sees the balance of what got better and worse.
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
  checkSamePairs(reference, other);
  const pairs = reference.length;
  const flipped = reference.map((pair, index) => verdict(pair) !== verdict(other[index]!));
  const changes = reference.map((pair, index) => Math.abs(pair.score_chosen - other[index]!.score_chosen));
  const flips = reference.filter((_, index) => flipped[index]);
  return {
    pairs,
    count: flips.length,
    share: flips.length / pairs,
    interval: shareInterval(flipped, flips.length, random),
    meanChange: mean(changes),
    largestChange: changes.reduce((largest, change) => Math.max(largest, change), 0),
    nearTies: flips.filter(({ score_chosen }) => Math.abs(score_chosen - 0.5) < NEAR_TIE).length,
  };
}

function shareInterval(
  flipped: readonly boolean[],
  count: number,
  random: Pick<Random, 'integer'>,
): Interval {
  // Clopper and Pearson 1934, for 0 and for all of n.
  const unseen = 1 - 0.025 ** (1 / flipped.length);
  if (count === 0) return [0, unseen];
  if (count === flipped.length) return [1 - unseen, 1];
  return bootstrapInterval(flipped.map(Number), random);
}

/** 1 for the chosen response, -1 for the rejected one, 0 for a tie. */
function verdict({ score_chosen, score_rejected }: EvaluatedPair): number {
  return Math.sign(score_chosen - score_rejected);
}

function checkSamePairs(reference: readonly EvaluatedPair[], other: readonly EvaluatedPair[]): void {
  const hint = 'Give the results of both models on the same pairs, in the same order.';
  if (reference.length !== other.length) {
    throw new RewardError(
      'bad-values',
      `there are ${other.length} results to compare with ${reference.length}`,
      hint,
    );
  }
  if (reference.length === 0) {
    throw new RewardError('no-pairs', 'there are no results to compare', 'Give at least one pair.');
  }
  for (const [index, { id }] of reference.entries()) {
    const found = other[index]!.id;
    if (found === id) continue;
    throw new RewardError(
      'bad-values',
      `result ${index + 1} is of pair ${JSON.stringify(found)} and of ${JSON.stringify(id)} in the reference`,
      hint,
    );
  }
}
