import { BaseError } from '../error.js';
import { mean } from './mean.js';
import type { Random } from './random.js';

const RESAMPLES = 2000;

/** The lower and the upper end of a 95 % confidence interval. */
export type Interval = readonly [number, number];

/**
 * Estimates the 95 % confidence interval of a mean by the percentile bootstrap (Efron and Tibshirani 1993, chapter 13)
 * with 2000 resamples. The values must be independent of each other. For values that are all equal the interval is a
 * single point.
 *
 * @throws {BaseError} `bad-values` when there are no values
 *
 * @example
 * ```ts
 * const [low, high] = bootstrapInterval([1, 0, 1, 1], createRandom(0));
 * ```
 */
export function bootstrapInterval(values: readonly number[], random: Pick<Random, 'integer'>): Interval {
  const n = values.length;
  if (n === 0) {
    throw new BaseError('bad-values', 'there are no values to resample', 'give at least one value');
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
 * Estimates the mean difference a - b of two measurements of the same items and its interval, see `bootstrapInterval`.
 * Use it to compare two models that were evaluated on the same pairs: what is hard about an item is hard for both and
 * cancels, so the interval is narrower than those of two separate accuracies.
 *
 * @throws {BaseError} `bad-values` when there are no values, or when the lists have different lengths
 */
export function pairedBootstrap(
  a: readonly number[],
  b: readonly number[],
  random: Pick<Random, 'integer'>,
): { difference: number; interval: Interval } {
  if (a.length !== b.length) {
    throw new BaseError(
      'bad-values',
      `there are ${a.length} values to compare with ${b.length}`,
      'give one value of each model for each item, in the same order',
    );
  }
  const differences = b.map((value, index) => (a[index] ?? Number.NaN) - value);
  return { difference: mean(differences), interval: bootstrapInterval(differences, random) };
}

/** The quantile of sorted values by linear interpolation. */
function quantile(sorted: Float64Array, p: number): number {
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.ceil(position)] as number;
  return low + (high - low) * (position - below);
}
