import { elementAt, entryOf } from '../checked.js';
/** Shapes by name. */
export type Shapes = Readonly<Record<string, { readonly shape: readonly number[] }>>;

/**
 * Deals whole arrays out to ranks so that each has about the same number of values: the largest first, each to the rank
 * that has the fewest. The result depends on names and shapes alone.
 *
 * @returns for each rank its names, in the order in which they are given
 */
export function balancedShares(arrays: Shapes, ranks: number): string[][] {
  const names = Object.keys(arrays);
  const size = (name: string) => entryOf(arrays, name).shape.reduce((a, b) => a * b, 1);
  const bySize = [...names].sort((a, b) => size(b) - size(a) || (a < b ? -1 : 1));
  const load = new Array<number>(ranks).fill(0);
  const owner = new Map<string, number>();
  for (const name of bySize) {
    const rank = load.indexOf(Math.min(...load));
    owner.set(name, rank);
    load[rank] = elementAt(load, rank) + size(name);
  }
  return load.map((_, rank) => names.filter((name) => owner.get(name) === rank));
}
