import { createRandom } from '@gram/base';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EvaluatedPair } from './evaluate.js';
import { preferenceFlips } from './flips.js';

/** Results of pairs from the probabilities of their chosen responses. */
const results = (probabilities: readonly number[]): EvaluatedPair[] =>
  probabilities.map((probability, index) => ({
    id: `pair ${index}`,
    score_chosen: probability,
    score_rejected: 1 - probability,
    correct: probability > 0.5,
    consistent: true,
    truncated: false,
    neutralized: false,
  }));

const flips = (reference: readonly number[], other: readonly number[]) =>
  preferenceFlips(results(reference), results(other), createRandom(0));

it('counts flips, those near ties, and how far probabilities moved', () => {
  const report = flips([0.9, 0.51, 0.49, 0.3, 0.6], [0.8, 0.49, 0.45, 0.7, 0.6]);
  expect(report).toMatchObject({ pairs: 5, count: 2, share: 0.4, nearTies: 1 });
  expect(report.meanChange).toBeCloseTo((0.1 + 0.02 + 0.04 + 0.4 + 0) / 5, 12);
  expect(report.largestChange).toBeCloseTo(0.4, 12);
  expect(report.interval[0]).toBeLessThan(0.4);
  expect(report.interval[1]).toBeGreaterThan(0.4);
});

it.each([
  ['to the chosen response', 0.5, 0.6],
  ['to the rejected response', 0.5, 0.4],
  ['from the chosen response', 0.6, 0.5],
])('counts a tie as a verdict of its own: %s', (_name, reference, other) => {
  expect(flips([reference], [other]).count).toBe(1);
  expect(flips([0.5], [0.5]).count).toBe(0);
});

it('asks the reference whether a flip was near a tie, within less than 0.02', () => {
  expect(flips([0.519, 0.481, 0.5], [0.1, 0.9, 0.9]).nearTies).toBe(3);
  expect(flips([0.52, 0.48, 0.9], [0.499, 0.501, 0.499]).nearTies).toBe(0);
  expect(flips([0.51], [0.52]).nearTies).toBe(0);
});

const probability = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(0, 0.5, 1, 0.5 - 2 ** -54, 0.5 + 2 ** -53),
);
const twoLists = fc
  .array(fc.tuple(probability, probability), { minLength: 1, maxLength: 30 })
  .map((pairs) => [pairs.map(([a]) => a), pairs.map(([, b]) => b)] as const);

it('finds the same flips and changes whichever list is the reference', () => {
  fc.assert(
    fc.property(twoLists, ([a, b]) => {
      const [{ nearTies: _, ...forth }, { nearTies: __, ...back }] = [flips(a, b), flips(b, a)];
      expect(forth).toEqual(back);
    }),
  );
});

it('finds nothing between equal lists, and never more near ties than flips than pairs', () => {
  fc.assert(
    fc.property(twoLists, ([a, b]) => {
      expect(flips(a, a)).toMatchObject({
        pairs: a.length,
        count: 0,
        share: 0,
        meanChange: 0,
        largestChange: 0,
        nearTies: 0,
      });
      const { nearTies, count, pairs, meanChange, largestChange } = flips(a, b);
      expect(nearTies).toBeLessThanOrEqual(count);
      expect(count).toBeLessThanOrEqual(pairs);
      expect(meanChange).toBeLessThanOrEqual(largestChange + 1e-12);
    }),
  );
});

it('covers the share of flips with its interval', () => {
  const reference = Array.from({ length: 400 }, () => 0.8);
  const { share, interval } = flips(
    reference,
    reference.map((p, index) => (index % 10 === 0 ? 1 - p : p)),
  );
  const half = 1.96 * Math.sqrt((0.1 * 0.9) / 400);
  expect(share).toBe(0.1);
  expect(interval[0]).toBeCloseTo(0.1 - half, 2);
  expect(interval[1]).toBeCloseTo(0.1 + half, 2);
});

it('does not promise that what was never seen never happens', () => {
  // By the rule of three, about 3 of n with 95 % on one side, and 3.7 on both.
  const { interval } = flips(Array(1000).fill(0.8), Array(1000).fill(0.7));
  expect(interval[0]).toBe(0);
  expect(1000 * interval[1]).toBeCloseTo(-Math.log(0.025), 1);
  expect(flips([0.8, 0.7], [0.2, 0.3]).interval).toEqual([expect.closeTo(Math.sqrt(0.025), 12), 1]);
});

it('refuses lists that do not belong together', () => {
  expect(() => flips([0.5], [0.5, 0.6])).toThrow('2 results to compare with 1');
  expect(() => flips([], [])).toThrow('no results');
  const [first, second] = results([0.6, 0.7]);
  const exchanged = () => preferenceFlips([first!, second!], [second!, first!], createRandom(0));
  expect(exchanged).toThrow('result 1 is of pair "pair 1" and of "pair 0" in the reference');
  expect(exchanged).toThrow(expect.objectContaining({ code: 'bad-values' }));
});
