import { BaseError } from '../error.js';
import { zip } from '../zip.js';
import type { Interval } from './bootstrap.js';
import { mean } from './mean.js';
import { studentQuantile } from './student-t.js';

/** A mean over several seeds with its 95 % confidence interval. */
export interface SeedMean {
  readonly mean: number;
  readonly interval: Interval;
}

/**
 * Estimates a mean over seeds that share nothing, each with data of its own, by Student's t interval with one value for each
 * seed. The interval covers what another seed, with other data, would give.
 *
 * @throws {BaseError} `bad-values` for fewer than two values
 *
 * @example
 * ```ts
 * const { mean, interval } = meanOverSeeds([0.031, 0.052, 0.044]); // 0.042 (0.016 to 0.069)
 * ```
 */
export function meanOverSeeds(values: readonly number[]): SeedMean {
  requireSeeds(values.length);
  const center = mean(values);
  const variance = sumOfSquares(values, center) / (values.length - 1) / values.length;
  return { mean: center, interval: around(center, variance, values.length - 1) };
}

/**
 * Estimates a mean over seeds and items where every seed was measured on the same items, with both as random effects: the
 * interval covers what other seeds would give on other items of the same kind. For the difference of two models, give their
 * difference on each item.
 *
 * This is the analysis of Obuchowski and Rockette (1995) with the degrees of freedom of Hillis (2007), seeds in the place of
 * readers and items in that of cases. With mean squares MS over S seeds and I items
 *
 *     together = max(MS_seed, MS_rest) + max(0, MS_item - MS_rest)
 *     variance = together / (S I)
 *     df = together^2 / (MS_seed^2 / (S - 1))
 *
 * `MS_rest` as a floor of `MS_seed`, which has the larger expectation, is ours: few seeds are alike by chance, and without it
 * intervals over three seeds held the truth in 92 % of simulated studies. Where seeds do not differ they hold it in 97 to 98 %.
 *
 * @param values one list for each seed, with the value of each item in the same order
 * @throws {BaseError} `bad-values` for fewer than two seeds or items, or lists of unequal length
 */
export function meanOverSeedsAndItems(values: readonly (readonly number[])[]): SeedMean {
  requireSeeds(values.length);
  const items = values[0]?.length ?? 0;
  if (items < 2 || values.some(({ length }) => length !== items)) {
    throw new BaseError(
      'bad-values',
      'the seeds were not measured on the same two or more items',
      'give a value of each item for each seed, in the same order',
    );
  }
  const seeds = values.length;
  const ofSeeds = values.map(mean);
  const ofItems = Array.from({ length: items }, (_, item) => mean(values.map((list) => list[item] ?? 0)));
  const center = mean(ofSeeds);
  const seedSquares = items * sumOfSquares(ofSeeds, center);
  const itemSquares = seeds * sumOfSquares(ofItems, center);
  const allSquares = values.reduce((sum, list) => sum + sumOfSquares(list, center), 0);
  const restDf = (seeds - 1) * (items - 1);
  const bySeed = seedSquares / (seeds - 1);
  const byRest = (allSquares - seedSquares - itemSquares) / restDf;
  const byItem = Math.max(0, itemSquares / (items - 1) - byRest);
  const together = Math.max(bySeed, byRest) + byItem;
  // Without any difference between seeds the items decide alone.
  const df = bySeed === 0 ? restDf : together ** 2 / (bySeed ** 2 / (seeds - 1));
  return { mean: center, interval: around(center, together / (seeds * items), df) };
}

/** Subtracts two lists for each seed, item by item, for `meanOverSeedsAndItems`. */
export function differences(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): number[][] {
  return zip(a, b).map(([first, second]) => zip(first, second).map(([x, y]) => x - y));
}

function sumOfSquares(values: readonly number[], center: number): number {
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0);
}

function around(center: number, variance: number, df: number): Interval {
  const half = studentQuantile(0.975, df) * Math.sqrt(variance);
  return [center - half, center + half];
}

function requireSeeds(count: number): void {
  if (count >= 2) return;
  throw new BaseError('bad-values', `an interval over seeds was asked of ${count}`, 'give two or more seeds');
}
