/** A learned merge: the ids of its two parts. The id of the result is the next free one. */
export type Merge = readonly [left: number, right: number];

/** A pre-token as ids of symbols, and the number of times that it occurs. Merges replace `symbols`. */
export interface Word {
  symbols: readonly number[];
  readonly count: number;
}

/** Words that are counted before the caller has a turn. */
const COUNTED = 1000;

interface Candidate {
  readonly left: number;
  readonly right: number;
  readonly count: number;
}

/**
 * Learns byte-pair merges (Sennrich et al. 2016). Each step takes the adjacent pair with the highest count; among
 * equals the one with the smaller left id, then the one with the smaller right id. It stops where no pair occurs twice.
 *
 * Counts are updated for the words that a merge changes instead of being taken anew, and the best pair comes from a heap
 * whose stale entries are dropped when they surface. So the cost of a step grows with the words that it changes.
 *
 * @param words the words to learn from, which are changed in place
 * @param firstId id of the first merged symbol, above all ids in `words`
 * @param limit the maximum number of merges
 * @returns the merges in order; undefined now and then, while words are counted
 */
export function* learnMerges(
  words: readonly Word[],
  firstId: number,
  limit: number,
): Generator<Merge | undefined, void> {
  const key = (left: number, right: number) => left * KEY_BASE + right;
  const counts = new Map<number, number>();
  const places = new Map<number, Set<Word>>();
  const heap: Candidate[] = [];
  const touched = new Set<number>();

  const countPairs = (word: Word, sign: 1 | -1) => {
    let left: number | undefined;
    for (const right of word.symbols) {
      const pair = left === undefined ? undefined : key(left, right);
      left = right;
      if (pair === undefined) continue;
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
      if (count > 1) push(heap, { left: Math.floor(pair / KEY_BASE), right: pair % KEY_BASE, count });
    }
    touched.clear();
  };

  for (const [index, word] of words.entries()) {
    countPairs(word, 1);
    if (index % COUNTED === 0) yield undefined;
  }
  offerTouched();

  for (let merges = 0; merges < limit; ) {
    const best = pop(heap);
    if (!best) break;
    const { left, right, count } = best;
    const pair = key(left, right);
    if (counts.get(pair) !== count) continue;
    const id = firstId + merges;
    merges++;
    for (const word of places.get(pair) ?? []) {
      countPairs(word, -1);
      word.symbols = applyMerge(word.symbols, left, right, id);
      countPairs(word, 1);
    }
    counts.delete(pair);
    places.delete(pair);
    offerTouched();
    yield [left, right];
  }
}

/** Replaces each `left right` by `id`, from left to right and without overlaps. */
export function applyMerge(symbols: readonly number[], left: number, right: number, id: number): number[] {
  const result: number[] = [];
  // The symbol before, while it may still become the left part of a merge.
  let before: number | undefined;
  for (const symbol of symbols) {
    if (before === left && symbol === right) {
      result.push(id);
      before = undefined;
      continue;
    }
    if (before !== undefined) result.push(before);
    before = symbol;
  }
  if (before !== undefined) result.push(before);
  return result;
}

/** Base that packs two ids into one exact number. Vocabularies stay far below it. */
const KEY_BASE = 2 ** 26;

function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.left !== b.left ? a.left < b.left : a.right < b.right;
}

function push(heap: Candidate[], item: Candidate): void {
  let at = heap.length;
  heap.push(item);
  while (at > 0) {
    const place = (at - 1) >> 1;
    const parent = heap[place];
    if (parent === undefined || !isBefore(item, parent)) break;
    heap[at] = parent;
    at = place;
  }
  heap[at] = item;
}

function pop(heap: Candidate[]): Candidate | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (!last || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let place = 2 * at + 1;
    let child = heap[place];
    const sibling = heap[place + 1];
    if (child !== undefined && sibling !== undefined && isBefore(sibling, child)) {
      child = sibling;
      place++;
    }
    if (child === undefined || !isBefore(child, last)) break;
    heap[at] = child;
    at = place;
  }
  heap[at] = last;
  return top;
}
