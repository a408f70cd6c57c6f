import { expect, it } from 'vitest';
import type { Interval } from './bootstrap.js';
import { createRandom } from './random.js';
import { differences, meanOverSeeds, meanOverSeedsAndItems } from './seeds.js';
import { studentQuantile } from './student-t.js';

it.each([
  // Printed tables of Student's t distribution, and the closed forms for 1 and 2 degrees of freedom.
  [0.975, 1, Math.tan(Math.PI * 0.475)],
  [0.975, 2, (2 * 0.475) / Math.sqrt(2 * 0.975 * 0.025)],
  [0.6, 2, (2 * 0.1) / Math.sqrt(2 * 0.6 * 0.4)],
  [0.975, 3, 3.182446],
  [0.975, 5, 2.570582],
  [0.95, 10, 1.812461],
  [0.975, 30, 2.042272],
  [0.975, 120, 1.97993],
  [0.975, 1e7, 1.959964],
  [0.975, 1e30, 1.959964],
])('the %f quantile with %f degrees of freedom is %f', (p, df, quantile) => {
  expect(studentQuantile(p, df)).toBeCloseTo(quantile, 5);
});

/** The share of experiments whose interval holds the true difference. */
function coverage(trials: number, interval: (trial: number) => Interval, truth: number): number {
  const covered = Array.from({ length: trials }, (_, trial) => interval(trial)).filter(
    ([low, high]) => low <= truth && truth <= high,
  );
  return covered.length / trials;
}

const TRIALS = 1500;
const TRUTH = 0.03;

it.each([2, 3, 6])('covers a known difference over %i seeds with items of their own', (seeds) => {
  const share = coverage(
    TRIALS,
    (trial) => {
      const random = createRandom(seeds, 'own items', trial);
      const means = Array.from({ length: seeds }, () => TRUTH + 0.02 * random.normal());
      return meanOverSeeds(means).interval;
    },
    TRUTH,
  );
  expect(share).toBeGreaterThan(0.93);
  expect(share).toBeLessThan(0.97);
});

/** Right or wrong, as the sign of what the seed, the item and chance add up to; two models share the item's difficulty. */
function experiment(trial: number, [seeds, items, bySeed, byItem]: readonly number[]) {
  const random = createRandom(17, 'shared items', seeds ?? 0, items ?? 0, bySeed ?? 0, trial);
  const normals = (count = 0, scale = 0) => Array.from({ length: count }, () => scale * random.normal());
  const difficulty = normals(items, byItem);
  const own = normals(items, byItem);
  const judge = (gain: number, extra: readonly number[]) =>
    normals(seeds, bySeed).map((luck) =>
      difficulty.map((item, at) => Number(gain + luck + item + (extra[at] ?? 0) + random.normal() > 0)),
    );
  return differences(
    judge(0.5, own),
    judge(
      0.3,
      own.map(() => 0),
    ),
  );
}

it.each([
  [3, 150, 0.1, 0.8],
  [3, 150, 0.3, 0.3],
  [6, 150, 0.1, 0.8],
  [3, 300, 0.05, 0.8],
])('covers a known difference over %i seeds and %i items that they share (%f, %f)', (...design) => {
  // The truth is what a large number of experiments gives.
  const many = Array.from({ length: 1500 }, (_, trial) => {
    return meanOverSeedsAndItems(experiment(trial + 10_000, design)).mean;
  });
  const truth = many.reduce((sum, value) => sum + value, 0) / many.length;
  const share = coverage(1000, (trial) => meanOverSeedsAndItems(experiment(trial, design)).interval, truth);
  expect(share).toBeGreaterThan(0.93);
  expect(share).toBeLessThan(0.97);
});

it('is narrower for items that all seeds judge alike than for seeds that disagree', () => {
  const width = ([low, high]: Interval) => high - low;
  const items = Array.from({ length: 40 }, (_, at) => at % 2);
  const alike = meanOverSeedsAndItems([items, items, items]);
  const apart = meanOverSeedsAndItems([items, items.map(() => 1), items.map(() => 0)]);
  expect(alike.mean).toBeCloseTo(apart.mean, 12);
  expect(width(alike.interval)).toBeLessThan(width(apart.interval));
});

it.each([
  ['one seed', () => meanOverSeeds([1])],
  ['one list', () => meanOverSeedsAndItems([[1, 2]])],
  ['one item', () => meanOverSeedsAndItems([[1], [2]])],
  [
    'unequal lists',
    () =>
      meanOverSeedsAndItems([
        [1, 2],
        [1, 2, 3],
      ]),
  ],
])('refuses %s', (_, run) => {
  expect(run).toThrow(expect.objectContaining({ code: 'bad-values' }));
});
