import { createRandom } from '@gram/base';
import { expect, it } from 'vitest';
import { decideByWords, learnWords } from './words.mjs';

const random = createRandom(1, 'words');
/** Responses of 10 tokens below 20, of which the good ones have more of token 3. */
const response = (often) =>
  Array.from({ length: 10 }, () => (random.uniform() < often ? 3 : random.integer(20)));
const pairs = (n) => Array.from({ length: n }, () => ({ chosen: response(0.4), rejected: response(0.1) }));
const accuracy = (decided) => decided.reduce((sum, one) => sum + one, 0) / decided.length;

it('learns which words are good, and nothing about where they stand', () => {
  const weights = learnWords(pairs(300), 20);
  expect(weights.indexOf(Math.max(...weights))).toBe(3);
  const test = pairs(400);
  const decided = decideByWords(weights, test);
  expect(accuracy(decided)).toBeGreaterThan(0.8);
  const reversed = test.map(({ chosen, rejected }) => ({
    chosen: chosen.toReversed(),
    rejected: rejected.toReversed(),
  }));
  expect(decideByWords(weights, reversed)).toEqual(decided);
});

it('finds the minimum of the regularized loss, where the gradient is zero', () => {
  // One pair whose responses are one token each: the weights are w and -w with (1 - sigmoid(2 w)) = 1e-3 w.
  const [good, bad] = learnWords([{ chosen: [0], rejected: [1] }], 2);
  expect(good).toBeCloseTo(-bad, 12);
  expect(Math.abs(1 / (1 + Math.exp(2 * good)) - 1e-3 * good)).toBeLessThan(1e-3);
});
