import type { BenchmarkItem } from '../benchmark/item.js';

/**
 * Takes some items of a benchmark, a share of each subset, in their order. Of each subset the first items are taken. Seats are
 * given one by one to the subset with the most items for each one that it has (the method of Adams), so every subset has one
 * where there are as many, and the others are in proportion.
 *
 * @param count number of items, at least 1; all of them where there are no more
 */
export function takeShare(items: readonly BenchmarkItem[], count: number): readonly BenchmarkItem[] {
  if (count >= items.length) return items;
  const sizes = new Map<string, number>();
  for (const { subset } of items) sizes.set(subset, (sizes.get(subset) ?? 0) + 1);
  const subsets = [...sizes].map(([subset, size]) => ({ subset, size, taken: 0 }));
  subsets.sort((a, b) => b.size - a.size);
  for (let seats = 0; seats < count; seats++) {
    const next = subsets.reduce((best, each) => (claim(each) > claim(best) ? each : best));
    next.taken++;
  }
  const left = new Map(subsets.map(({ subset, taken }) => [subset, taken]));
  return items.filter(({ subset }) => {
    const seats = left.get(subset) ?? 0;
    left.set(subset, seats - 1);
    return seats > 0;
  });
}

function claim({ size, taken }: { readonly size: number; readonly taken: number }): number {
  return taken === size ? 0 : size / taken;
}
