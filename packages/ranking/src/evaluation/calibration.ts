import { mean } from '@gram/base';
import type { ComparedPair, JudgedItem, Verdict } from '../benchmark/judged-item.js';
import { verdict } from '../benchmark/judged-item.js';
import { RewardError } from '../comparator/error.js';

/** Pairs on which a model is about equally confident. */
export interface ReliabilityBin {
  /** Lower and upper end of the bin. */
  readonly range: readonly [number, number];
  readonly pairs: number;
  /** Mean probability of the preferred side. */
  readonly confidence: number;
  /** Share of the pairs whose preferred side is the better one. */
  readonly accuracy: number;
}

/** Agreement of the probabilities of a model with its accuracy. */
export interface Calibration {
  /** Expected calibration error. */
  readonly error: number;
  /** Bins with pairs in them, the lowest confidence first. */
  readonly bins: readonly ReliabilityBin[];
}

/**
 * Computes the expected calibration error (Guo et al. 2017, equation 3): the sum over bins of |accuracy - mean confidence|,
 * weighted by their pairs. The confidence is the probability of the side that is preferred, p or 1 - p. It is never below
 * 0.5, so the bins divide [0.5, 1] in equal widths (m bins there are 2 m on [0, 1]), each open below and closed above; 0.5
 * itself is in the first. A pair at 0.5 prefers neither side and is wrong. Items that are labeled a tie, or compare all pairs
 * of their responses, are left out; null if nothing is left.
 *
 * @param bins 10 or 15 are usual
 * @throws RewardError `bad-option` unless `bins` is a positive integer
 */
export function calibration(results: readonly JudgedItem[], bins = 10): Calibration | null {
  if (!Number.isSafeInteger(bins) || bins < 1) {
    throw new RewardError(
      'bad-option',
      `there cannot be ${bins} bins`,
      'give a positive integer, such as 10',
    );
  }
  const edge = (at: number) => 0.5 + at / (2 * bins);
  const groups = Array.from({ length: bins }, (_, at) => ({
    range: [edge(at), edge(at + 1)] as const,
    confidence: [] as number[],
    right: [] as number[],
  }));
  const pairs = labeledPairs(results);
  for (const { comparison, preferred } of pairs) {
    const confidence = Math.max(comparison.probability, 1 - comparison.probability);
    const group = groups.find(({ range }) => confidence <= range[1]);
    group?.confidence.push(confidence);
    group?.right.push(Number(verdict(comparison) === preferred));
  }
  if (pairs.length === 0) return null;
  const filled = groups.flatMap(({ range, confidence, right }): ReliabilityBin[] =>
    right.length === 0
      ? []
      : [{ range, pairs: right.length, confidence: mean(confidence), accuracy: mean(right) }],
  );
  const gaps = filled.map((bin) => bin.pairs * Math.abs(bin.accuracy - bin.confidence));
  return { error: gaps.reduce((sum, gap) => sum + gap, 0) / pairs.length, bins: filled };
}

/** A pair that has a better response. */
export interface LabeledPair {
  readonly comparison: ComparedPair;
  readonly preferred: Exclude<Verdict, 'tie'>;
  readonly lengths: readonly number[];
}

/** Lists every pair that has a better response. */
export function labeledPairs(results: readonly JudgedItem[]): LabeledPair[] {
  return results.flatMap(({ preferred, correctResponses, comparisons, lengths }) =>
    preferred === 'tie' || correctResponses !== undefined
      ? []
      : comparisons.map((comparison) => ({ comparison, preferred, lengths })),
  );
}
