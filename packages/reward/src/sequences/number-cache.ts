/** Cache of the numbers of the sequences that were asked about last, by their tokens. */
export interface NumberCache {
  get(ids: readonly number[]): readonly number[] | undefined;
  set(ids: readonly number[], numbers: readonly number[]): void;
}

/** @param capacity sequences that are kept; the one that was not asked about longest goes first */
export function createNumberCache(capacity: number): NumberCache {
  const known = new Map<string, readonly number[]>();
  return {
    get(ids) {
      const key = keyOf(ids);
      const numbers = known.get(key);
      if (numbers === undefined) return undefined;
      // Insertion order is order of use.
      known.delete(key);
      known.set(key, numbers);
      return numbers;
    },
    set(ids, numbers) {
      if (capacity === 0) return;
      known.set(keyOf(ids), numbers);
      if (known.size > capacity) known.delete(known.keys().next().value as string);
    },
  };
}

/** The tokens themselves, and not a hash: two sequences never share an entry. */
function keyOf(ids: readonly number[]): string {
  return Buffer.from(Uint32Array.from(ids).buffer).toString('latin1');
}
