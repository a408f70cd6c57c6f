import type { Random } from '@gram/data';
import { RewardError } from './error.js';

const RESAMPLES = 2000;

/** Lower and upper end of a 95 % confidence interval. */
export type Interval = readonly [number, number];

/**
 * 95 % percentile bootstrap interval of a mean (Efron and Tibshirani 1993, chapter 13), from 2000 resamples.
 * The values must be independent of each other. Of values that are all equal it is a single point.
 *
 * @throws RewardError `bad-values` for no values
 */
export function bootstrapInterval(values: readonly number[], random: Pick<Random, 'integer'>): Interval {
  const n = values.length;
  if (n === 0) {
    throw new RewardError('bad-values', 'there are no values to resample', 'Give at least one value.');
  }
  const means = new Float64Array(RESAMPLES);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[random.integer(n)] as number;
    means[resample] = sum / n;
  }
  means.sort();
  return [quantile(means, 0.025), quantile(means, 0.975)];
}

/**
 * The mean difference a - b of two measurements of the same items and its interval, see `bootstrapInterval`. Two
 * models that were evaluated on the same pairs are compared this way: what is hard about an item is hard for both
 * and cancels, so the interval is narrower than that of two separate accuracies.
 *
 * @throws RewardError `bad-values` for no values or lists of different lengths
 */
export function pairedBootstrap(
  a: readonly number[],
  b: readonly number[],
  random: Pick<Random, 'integer'>,
): { difference: number; interval: Interval } {
  if (a.length !== b.length) {
    throw new RewardError(
      'bad-values',
      `there are ${a.length} values to compare with ${b.length}`,
      'Give one value of each model for each item, in the same order.',
    );
  }
  const differences = a.map((value, index) => value - b[index]!);
  const interval = bootstrapInterval(differences, random);
  return { difference: differences.reduce((sum, value) => sum + value, 0) / differences.length, interval };
}

/** Quantile of sorted values by linear interpolation. */
function quantile(sorted: Float64Array, p: number): number {
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.ceil(position)] as number;
  return low + (high - low) * (position - below);
}
