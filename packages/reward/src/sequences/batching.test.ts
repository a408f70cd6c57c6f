import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bucketBatches } from './batching.js';

const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 200 });
const budget = fc.integer({ min: 1, max: 10_000 });

it('puts every sequence into one batch', () => {
  fc.assert(
    fc.property(lengths, budget, (all, tokens) => {
      const items = bucketBatches(all, tokens).flatMap((batch) => batch.items);
      expect([...items].sort((a, b) => a - b)).toEqual(all.map((_, index) => index));
    }),
  );
});

it('pads to the longest sequence of a batch, within the budget', () => {
  fc.assert(
    fc.property(lengths, budget, (all, tokens) => {
      for (const { length, items } of bucketBatches(all, tokens)) {
        expect(Math.max(...items.map((item) => all[item]!))).toBe(length);
        if (items.length > 1) expect(items.length * length).toBeLessThanOrEqual(tokens);
      }
    }),
  );
});

it('fills every batch but the last one', () => {
  fc.assert(
    fc.property(lengths, budget, (all, tokens) => {
      for (const { length, items } of bucketBatches(all, tokens).slice(0, -1)) {
        expect(items.length).toBe(Math.max(1, Math.floor(tokens / length)));
      }
    }),
  );
});

it('puts long sequences beside those of their own length only', () => {
  fc.assert(
    fc.property(lengths, budget, fc.integer({ min: 1, max: 700 }), (all, tokens, shared) => {
      const batches = bucketBatches(all, tokens, shared);
      expect(batches.flatMap(({ items }) => items).sort((a, b) => a - b)).toEqual(all.map((_, i) => i));
      for (const { length, items } of batches) {
        if (length > shared) expect(items.every((item) => all[item] === length)).toBe(true);
      }
    }),
  );
});

it('starts with the longest', () => {
  expect(bucketBatches([10, 64, 33, 31, 5], 128)).toEqual([
    { length: 64, items: [1, 2] },
    { length: 31, items: [3, 0, 4] },
  ]);
});

it('refuses a budget that is not a number of tokens', () => {
  expect(() => bucketBatches([1], 0)).toThrow('batchTokens is 0');
});
