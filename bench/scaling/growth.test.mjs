import { expect, it } from 'vitest';
import { sizes } from './axes.mjs';
import { expectedSpeedup, exponentOf, serialShare } from './growth.mjs';

it('finds the exponent of a power, whatever its factor is', () => {
  const values = [1, 2, 4, 64, 1000];
  for (const k of [0, 1, 1.5, 2])
    expect(exponentOf(values.map((n) => [n, 0.03 * n ** k]))).toBeCloseTo(k, 10);
  // A fixed part of the cost takes from the exponent.
  expect(exponentOf(values.map((n) => [n, n + 50]))).toBeLessThan(0.6);
});

it('finds the serial share that was put in, and what it leaves of many threads', () => {
  for (const share of [0, 0.1, 0.5, 1]) {
    const time = (n) => 3 * (share + (1 - share) / n);
    const points = [1, 2, 8].map((n) => [n, time(n)]);
    expect(serialShare(points)).toBeCloseTo(share, 10);
    expect(expectedSpeedup(share, 64)).toBeCloseTo(time(1) / time(64), 10);
  }
  expect(expectedSpeedup(-0.02, 8)).toBe(8);
});

it('has models of the sizes that they are named by', () => {
  for (const [name, config] of Object.entries(sizes)) {
    const { vocabSize: v, hiddenSize: d, intermediateSize: f, numHiddenLayers: n, headDim: h } = config;
    const heads = config.numAttentionHeads + config.numKeyValueHeads;
    const parameters = v * d + n * (2 * d * heads * h + 3 * d * f + 2 * d) + d;
    expect(Math.abs(parameters / (Number.parseInt(name, 10) * 1e6) - 1), name).toBeLessThan(0.1);
  }
});
