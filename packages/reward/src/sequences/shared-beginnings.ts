/** A sequence that differs from the others, and what it has in common with the one before it. */
export interface SharedSequence {
  readonly ids: readonly number[];
  /** Tokens at its beginning that are those of the sequence before; fewer than it has. */
  readonly known: number;
  /** Where it stood among all. */
  readonly items: readonly number[];
}

/**
 * Sequences in the order of their tokens, each once: those that begin alike are neighbours, so that what a model computed of a
 * beginning can be used by the next.
 *
 * @param items which of them. @default all
 */
export function shareBeginnings(
  sequences: readonly (readonly number[])[],
  items: readonly number[] = sequences.map((_, i) => i),
): SharedSequence[] {
  const order = [...items].sort((a, b) => compared(sequences[a]!, sequences[b]!));
  const shared: (SharedSequence & { items: number[] })[] = [];
  for (const item of order) {
    const ids = sequences[item]!;
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
