/** A sequence that differs from the others, and its overlap with the one before it. */
export interface SharedSequence {
  readonly ids: readonly number[];
  /** Number of tokens at its beginning that are those of the sequence before; fewer than it has. */
  readonly known: number;
  /** Positions at which it stood among all. */
  readonly items: readonly number[];
}

/**
 * Sorts sequences by their tokens and drops repetitions: those that begin alike are neighbors, so that what a model computed of
 * a beginning can be used by the next.
 *
 * @param items positions of the sequences to sort. @default all
 */
export function shareBeginnings(
  sequences: readonly (readonly number[])[],
  items: Iterable<number> = sequences.keys(),
): SharedSequence[] {
  const chosen = Array.from(items, (item) => ({ item, ids: sequences[item] ?? [] }));
  chosen.sort((a, b) => compared(a.ids, b.ids));
  const shared: (SharedSequence & { items: number[] })[] = [];
  for (const { item, ids } of chosen) {
    const before = shared.at(-1);
    const common = before === undefined ? 0 : commonLength(before.ids, ids);
    if (before !== undefined && common === ids.length && common === before.ids.length) {
      before.items.push(item);
    } else {
      // The last token is always computed: its state is what is asked for.
      shared.push({ ids, known: Math.min(common, ids.length - 1), items: [item] });
    }
  }
  return shared;
}

function compared(a: readonly number[], b: readonly number[]): number {
  const at = commonLength(a, b);
  return (a[at] ?? -1) - (b[at] ?? -1);
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}
