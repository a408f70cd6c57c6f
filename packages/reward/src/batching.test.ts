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

it('makes no batch that is too small for its sequences or too large for the budget', () => {
  fc.assert(
    fc.property(lengths, budget, (all, tokens) => {
      for (const { length, rows, items } of bucketBatches(all, tokens)) {
        expect(length % 32).toBe(0);
        expect(Math.max(...items.map((item) => all[item]!))).toBeLessThanOrEqual(length);
        expect(items.length).toBeGreaterThan(0);
        expect(items.length).toBeLessThanOrEqual(rows);
        if (rows > 1) expect(rows * length).toBeLessThanOrEqual(tokens);
      }
    }),
  );
});

it('makes batches of one length equally large, but for the last one', () => {
  fc.assert(
    fc.property(lengths, budget, (all, tokens) => {
      for (const { length, rows, items } of bucketBatches(all, tokens).slice(0, -1)) {
        expect(rows).toBe(Math.max(1, Math.floor(tokens / length)));
        expect(items.length).toBe(rows);
      }
    }),
  );
});

it('starts with the longest and keeps the last batch small', () => {
  expect(bucketBatches([10, 64, 33, 31, 5], 128)).toEqual([
    { length: 64, rows: 2, items: [1, 2] },
    { length: 32, rows: 4, items: [3, 0, 4] },
  ]);
});

it('refuses a budget that is not a number of tokens', () => {
  expect(() => bucketBatches([1], 0)).toThrow('batchTokens is 0');
});
