import type { Comparator } from '../../comparator/comparator.js';

/** Prefers the longer response, the more so the more they differ, and a little what is shown first. */
export function longest(calls: number[] = []): Comparator {
  return {
    async compare(items, { signal, onProgress } = {}) {
      signal?.throwIfAborted();
      calls.push(items.length);
      onProgress?.(items.length, items.length);
      return items.map(({ a, b }) => {
        const probability = 1 / (1 + Math.exp((b.length - a.length) / 10));
        const orders = [Math.min(1, probability + 0.02), Math.max(0, probability - 0.02)] as const;
        const consistent = orders[0] > 0.5 === orders[1] > 0.5;
        return {
          probability: (orders[0] + orders[1]) / 2,
          orders,
          consistent,
          truncated: false,
          neutralized: false,
        };
      });
    },
  };
}
