import { expect, it } from 'vitest';
import { bootstrapInterval, pairedBootstrap } from './bootstrap.js';
import { createRandom } from './random.js';

const draws = (n: number, p: number, random: { uniform(): number }) =>
  Array.from({ length: n }, () => Number(random.uniform() < p));

it('covers the true rate of binomial samples about as often as it says', () => {
  const data = createRandom(1, 'coverage');
  const random = createRandom(1, 'bootstrap');
  let covered = 0;
  for (let trial = 0; trial < 100; trial++) {
    const [low, high] = bootstrapInterval(draws(60, 0.7, data), random);
    if (low <= 0.7 && 0.7 <= high) covered++;
  }
  expect(covered).toBeGreaterThanOrEqual(88);
  expect(covered).toBeLessThan(100);
});

it('agrees with the normal approximation on a large sample', () => {
  const values = Array.from({ length: 1000 }, (_, i) => Number(i < 600));
  const [low, high] = bootstrapInterval(values, createRandom(0));
  const half = 1.96 * Math.sqrt((0.6 * 0.4) / 1000);
  expect(low).toBeGreaterThan(0.6 - half - 0.004);
  expect(low).toBeLessThan(0.6 - half + 0.004);
  expect(high).toBeGreaterThan(0.6 + half - 0.004);
  expect(high).toBeLessThan(0.6 + half + 0.004);
});

it('gives equal seeds equal intervals', () => {
  const values = draws(50, 0.5, createRandom(2));
  const intervalOf = (seed: number) => bootstrapInterval(values, createRandom(seed));
  expect(intervalOf(3)).toEqual(intervalOf(3));
});

it('is a point where all values are equal', () => {
  expect(bootstrapInterval([1, 1, 1], createRandom(0))).toEqual([1, 1]);
});

it('resamples differences of pairs, which is narrower than of separate means', () => {
  const data = createRandom(4);
  const a = draws(300, 0.7, data);
  // b agrees with a but for each tenth item, where it is wrong.
  const b = a.map((value, index) => (index % 10 === 0 ? 0 : value));
  const { difference, interval } = pairedBootstrap(a, b, createRandom(5));
  const wrong = a.filter((value, index) => value === 1 && index % 10 === 0).length;
  expect(difference).toBeCloseTo(wrong / 300, 12);
  expect(interval[0]).toBeGreaterThan(0);
  expect(interval[0]).toBeLessThan(difference);
  expect(interval[1]).toBeGreaterThan(difference);
  const separate = bootstrapInterval(a, createRandom(5));
  expect(interval[1] - interval[0]).toBeLessThan(separate[1] - separate[0]);
});

it('refuses values that cannot be resampled or paired', () => {
  expect(() => bootstrapInterval([], createRandom(0))).toThrow('no values');
  expect(() => pairedBootstrap([1], [1, 0], createRandom(0))).toThrow('1 values to compare with 2');
});
