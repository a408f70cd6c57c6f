/** One learned merge: the ids of the two parts. The result's id is the next free one. */
export type Merge = readonly [left: number, right: number];

/** A pre-token as symbol ids, and how often it occurs. `symbols` is replaced as merges are applied. */
export interface Word {
  symbols: readonly number[];
  readonly count: number;
}

interface Candidate {
  readonly left: number;
  readonly right: number;
  readonly count: number;
}

/**
 * Learns byte-pair merges (Sennrich et al. 2016). Each step takes the adjacent pair with the highest count; among
 * equals the smaller left id, then the smaller right id. A pair seen once is not worth a token, so it stops there.
 *
 * Counts are kept up to date per word instead of being taken anew, and the best pair comes from a heap whose stale
 * entries are dropped when they surface, so a step costs about as much as the words it changes.
 *
 * @param words changed in place
 * @param firstId id of the first merged symbol; must be above all ids in `words`
 * @param limit the most merges to learn
 */
export function learnMerges(words: readonly Word[], firstId: number, limit: number): Merge[] {
  const key = (left: number, right: number) => left * keyBase + right;
  const counts = new Map<number, number>();
  const places = new Map<number, Set<Word>>();
  const heap: Candidate[] = [];
  const touched = new Set<number>();

  const countPairs = (word: Word, sign: 1 | -1) => {
    for (let i = 0; i + 1 < word.symbols.length; i++) {
      const pair = key(word.symbols[i]!, word.symbols[i + 1]!);
      counts.set(pair, (counts.get(pair) ?? 0) + sign * word.count);
      touched.add(pair);
      if (sign === -1) continue;
      const at = places.get(pair);
      if (at) at.add(word);
      else places.set(pair, new Set([word]));
    }
  };
  const offerTouched = () => {
    for (const pair of touched) {
      const count = counts.get(pair) ?? 0;
      if (count > 1) push(heap, { left: Math.floor(pair / keyBase), right: pair % keyBase, count });
    }
    touched.clear();
  };

  for (const word of words) countPairs(word, 1);
  offerTouched();

  const merges: Merge[] = [];
  while (merges.length < limit) {
    const best = pop(heap);
    if (!best) break;
    const { left, right, count } = best;
    const pair = key(left, right);
    if (counts.get(pair) !== count) continue;
    const id = firstId + merges.length;
    merges.push([left, right]);
    for (const word of places.get(pair) ?? []) {
      countPairs(word, -1);
      word.symbols = applyMerge(word.symbols, left, right, id);
      countPairs(word, 1);
    }
    counts.delete(pair);
    places.delete(pair);
    offerTouched();
  }
  return merges;
}

/** Replaces each `left right` by `id`, from left to right and without overlaps. */
export function applyMerge(symbols: readonly number[], left: number, right: number, id: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) {
      result.push(id);
      i++;
    } else {
      result.push(symbols[i]!);
    }
  }
  return result;
}

/** Two ids in one exact number: vocabularies stay far below 2^26. */
const keyBase = 2 ** 26;

function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.left !== b.left ? a.left < b.left : a.right < b.right;
}

function push(heap: Candidate[], item: Candidate): void {
  let at = heap.length;
  heap.push(item);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(item, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = item;
}

function pop(heap: Candidate[]): Candidate | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (!last || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return top;
}
