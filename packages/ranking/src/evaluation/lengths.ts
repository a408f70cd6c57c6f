import { meanOrNull } from '@gram/base';
import { type JudgedItem, verdict } from '../benchmark/judged-item.js';
import { labeledPairs } from './calibration.js';

/** Accuracy on pairs of one kind; null without pairs. */
export interface LengthGroup {
  readonly accuracy: number | null;
  readonly pairs: number;
}

/** Accuracy with the length of the responses held fixed. */
export interface LengthControlled {
  /** Pairs whose better response is shorter. */
  readonly shorter: LengthGroup;
  /** Pairs whose better response is longer. */
  readonly longer: LengthGroup;
  /** Pairs of about the same length. */
  readonly matched: LengthGroup;
  /** Mean of the accuracies of `shorter` and `longer`; null if one of them has no pairs. */
  readonly balanced: number | null;
}

/**
 * Computes accuracy within pairs of like lengths. Two lengths, in characters, count as matched if they differ by at most a
 * tenth of the longer one. `balanced` is the accuracy on data where the better response would be the shorter one as often as
 * the longer one: preferring length alone gives it 0.5. (This is stratification; it is not the regression of the
 * length-controlled AlpacaEval.) Items labeled a tie, and those that compare all pairs, are left out.
 */
export function lengthControlled(results: readonly JudgedItem[]): LengthControlled {
  const groups = { shorter: [] as number[], longer: [] as number[], matched: [] as number[] };
  for (const { comparison, preferred, lengths } of labeledPairs(results)) {
    const [first = 0, second = 0] = comparison.pair.map((place) => lengths[place]);
    const [better, worse] = preferred === 'first' ? [first, second] : [second, first];
    // In integers, so that a tenth is exact.
    const matched = 10 * Math.abs(better - worse) <= Math.max(better, worse);
    const kind = matched ? 'matched' : better < worse ? 'shorter' : 'longer';
    groups[kind].push(Number(verdict(comparison) === preferred));
  }
  const group = (right: readonly number[]) => ({ accuracy: meanOrNull(right), pairs: right.length });
  const [shorter, longer, matched] = [group(groups.shorter), group(groups.longer), group(groups.matched)];
  const balanced =
    shorter.accuracy === null || longer.accuracy === null ? null : (shorter.accuracy + longer.accuracy) / 2;
  return { shorter, longer, matched, balanced };
}
