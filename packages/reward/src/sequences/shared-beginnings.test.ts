import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shareBeginnings } from './shared-beginnings.js';

it('puts what begins alike together, and equal sequences into one', () => {
  const sequences = [
    [1, 2, 3, 4],
    [5, 6],
    [1, 2, 9],
    [1, 2, 3, 4],
    [1, 2],
  ];
  expect(shareBeginnings(sequences)).toEqual([
    { ids: [1, 2], known: 0, items: [4] },
    { ids: [1, 2, 3, 4], known: 2, items: [0, 3] },
    { ids: [1, 2, 9], known: 2, items: [2] },
    { ids: [5, 6], known: 0, items: [1] },
  ]);
  expect(shareBeginnings(sequences, [2, 3])).toEqual([
    { ids: [1, 2, 3, 4], known: 0, items: [3] },
    { ids: [1, 2, 9], known: 2, items: [2] },
  ]);
});

it('keeps every sequence once, shares what is there to share, and leaves a token to compute', () => {
  const sequences = fc.array(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 6 }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(sequences, (all) => {
      const shared = shareBeginnings(all);
      const items = shared.flatMap((sequence) => sequence.items);
      expect(items.toSorted((a, b) => a - b)).toEqual(all.map((_, i) => i));
      for (const [place, { ids, known, items }] of shared.entries()) {
        for (const item of items) expect(all[item]).toEqual(ids);
        expect(known).toBeLessThan(ids.length);
        const before = shared[place - 1]?.ids ?? [];
        expect(ids.slice(0, known)).toEqual(before.slice(0, known));
        // No other order has more in common between neighbors: the sum is that of a trie.
      }
      const prefixes = new Set(all.flatMap((ids) => ids.map((_, i) => ids.slice(0, i + 1).join())));
      const computed = shared.reduce((sum, { ids, known }) => sum + ids.length - known, 0);
      // Every distinct beginning is computed once, and the end of a sequence that another one begins with once more.
      expect(computed).toBeGreaterThanOrEqual(prefixes.size);
      expect(computed).toBeLessThanOrEqual(prefixes.size + shared.length);
    }),
  );
});
