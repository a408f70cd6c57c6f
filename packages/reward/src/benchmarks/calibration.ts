import { mean } from '@gram/base';
import { RewardError } from '../error.js';
import { type Judged, verdict } from './result.js';

/** Pairs of about the same confidence. */
export interface ReliabilityBin {
  /** Ends of the bin. */
  readonly range: readonly [number, number];
  readonly pairs: number;
  /** Mean probability of the preferred side, and how often it is the better one. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** How far probabilities can be taken at their word. */
export interface Calibration {
  /** Expected calibration error. */
  readonly error: number;
  /** Bins with pairs in them, the lowest confidence first. */
  readonly bins: readonly ReliabilityBin[];
}

/**
 * Expected calibration error (Guo et al. 2017, equation 3): the sum over bins of |accuracy - mean confidence|, weighted by
 * their pairs. The confidence is the probability of the side that is preferred, p or 1 - p. It is never below 0.5, so the
 * bins divide [0.5, 1] in equal widths (m bins there are 2 m on [0, 1]), each open below and closed above; 0.5 itself is
 * in the first. A pair at 0.5 prefers neither side and is wrong. Items that are labelled a tie, or compare all pairs of
 * their responses, are left out; null if nothing is left.
 *
 * @param bins 10 or 15 are usual
 * @throws RewardError `bad-option` unless `bins` is a positive integer
 */
export function calibration(results: readonly Judged[], bins = 10): Calibration | null {
  if (!Number.isSafeInteger(bins) || bins < 1) {
    throw new RewardError(
      'bad-option',
      `there can not be ${bins} bins`,
      'Give a positive integer, such as 10.',
    );
  }
  const groups = Array.from({ length: bins }, () => ({ confidence: [] as number[], right: [] as number[] }));
  const edge = (at: number) => 0.5 + at / (2 * bins);
  let pairs = 0;
  for (const { comparison, preferred } of labelledPairs(results)) {
    const confidence = Math.max(comparison.probability, 1 - comparison.probability);
    const group = groups.find((_, at) => confidence <= edge(at + 1))!;
    group.confidence.push(confidence);
    group.right.push(Number(verdict(comparison) === preferred));
    pairs++;
  }
  if (pairs === 0) return null;
  const filled = groups.flatMap(({ confidence, right }, at): ReliabilityBin[] => {
    if (right.length === 0) return [];
    const range = [edge(at), edge(at + 1)] as const;
    return [{ range, pairs: right.length, confidence: mean(confidence), accuracy: mean(right) }];
  });
  const error =
    filled.reduce((sum, bin) => sum + bin.pairs * Math.abs(bin.accuracy - bin.confidence), 0) / pairs;
  return { error, bins: filled };
}

/** Every pair that has a better response. */
export function labelledPairs(results: readonly Judged[]) {
  return results.flatMap(({ preferred, correctResponses, comparisons, lengths }) =>
    preferred === 'tie' || correctResponses !== undefined
      ? []
      : comparisons.map((comparison) => ({ comparison, preferred, lengths })),
  );
}
