import { byteAlphabet } from '../bpe/pre-tokens.js';
import type { TokenizerJson } from '../tokenizer-json.js';

/** The tokens of a word. They are overwritten when the next word is merged. */
export interface MergedWord {
  readonly count: number;
  readonly ids: Int32Array;
  /** The end of each token, in bytes of UTF-8. */
  readonly ends: Int32Array;
}

/** Longest word that is merged, in UTF-16 units: the time grows with the square of the length. */
export const LONGEST_MERGED = 128;

/** Bytes of the longest word. */
const MAXIMUM_BYTES = 3 * LONGEST_MERGED;

/** Finds the tokens of words as the library does, without the way into it and back. */
export interface Merger {
  /** Merges a word of at most {@link LONGEST_MERGED} units; undefined for one with a byte that has no token. */
  merge(word: string): MergedWord | undefined;
}

/**
 * Makes the merger of a byte-level BPE model (Sennrich et al. 2016; bytes as in GPT-2): each byte of a word is a token, and of all
 * neighbors that may be merged those with the lowest rank are, the leftmost first, until there are none.
 *
 * @param vocabulary that of `vocabularyOf`
 * @returns undefined for a model that does more than this
 */
export function createMerger(
  model: TokenizerJson['model'],
  vocabulary: ReadonlyMap<string, number>,
): Merger | undefined {
  // Some vocabularies lack control characters, and bytes that UTF-8 does not have.
  const byteIds = byteAlphabet.map((character) => vocabulary.get(character) ?? -1);
  const merges = mergesOf(model.merges, vocabulary);
  if (merges === undefined) return undefined;
  const whole = Reflect.get(model, 'ignore_merges') === true ? vocabulary : undefined;
  const bytes = new Uint8Array(MAXIMUM_BYTES);
  const utf8 = new TextEncoder();
  const [ids, ends] = [new Int32Array(MAXIMUM_BYTES), new Int32Array(MAXIMUM_BYTES)];
  return {
    merge(word) {
      const length = utf8.encodeInto(word, bytes).written;
      if (whole !== undefined) {
        const id = whole.get(nameOf(bytes, length));
        ids[0] = id ?? 0;
        ends[0] = length;
        if (id !== undefined) return { count: 1, ids, ends };
      }
      for (let at = 0; at < length; at++) {
        const id = byteIds[bytes[at] ?? 0] ?? -1;
        if (id < 0) return undefined;
        ids[at] = id;
        ends[at] = at + 1;
      }
      return { count: mergeAll(merges, ids, ends, length), ids, ends };
    },
  };
}

function nameOf(bytes: Uint8Array, length: number): string {
  let name = '';
  for (let at = 0; at < length; at++) name += byteAlphabet[bytes[at] ?? 0];
  return name;
}

/** Merges tokens in place and returns how many are left. */
function mergeAll(merges: MergeTable, ids: Int32Array, ends: Int32Array, length: number): number {
  let count = length;
  for (;;) {
    let [best, place, merged] = [Number.POSITIVE_INFINITY, -1, 0];
    for (let at = 0; at + 1 < count; at++) {
      const slot = merges.find(ids[at] ?? 0, ids[at + 1] ?? 0);
      if (slot < 0 || merges.rank(slot) >= best) continue;
      [best, place, merged] = [merges.rank(slot), at, merges.result(slot)];
    }
    if (place < 0) return count;
    ids.copyWithin(place, place + 1, count);
    ends.copyWithin(place, place + 1, count);
    ids[place] = merged;
    count--;
  }
}

/** Reads ids of tokens by their names; undefined where the model is not plain BPE over bytes, or two tokens have one id. */
export function vocabularyOf({
  vocab,
  ...model
}: TokenizerJson['model']): ReadonlyMap<string, number> | undefined {
  const others = ['continuing_subword_prefix', 'end_of_word_suffix'].map(
    (name): unknown => Reflect.get(model, name) ?? '',
  );
  const isSimple =
    others.every((value) => value === '') && (Reflect.get(model, 'byte_fallback') ?? false) === false;
  if (!isSimple || typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) return undefined;
  const vocabulary = new Map<string, number>();
  // An object of so many keys takes long to list, so it is done once. Pairs of keys and values would take memory.
  for (const name of Object.keys(vocab)) {
    const id: unknown = Reflect.get(vocab, name);
    if (!isId(id)) return undefined;
    vocabulary.set(name, id);
  }
  return areDifferent(vocabulary.values()) ? vocabulary : undefined;
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
}

function areDifferent(ids: Iterable<number>): boolean {
  const sorted = Int32Array.from(ids).sort();
  return sorted.every((id, at) => at === 0 || id !== sorted[at - 1]);
}

/** The merges of a model, each a text with a space between two names, or a list of both. */
function mergesOf(list: unknown, vocabulary: ReadonlyMap<string, number>): MergeTable | undefined {
  if (!Array.isArray(list)) return undefined;
  const table = new MergeTable(list.length);
  for (let rank = 0; rank < list.length; rank++) {
    const sides = sidesOf(list[rank]);
    if (sides === undefined) return undefined;
    const [left, right] = sides;
    const [first, second] = [vocabulary.get(left), vocabulary.get(right)];
    const result = vocabulary.get(left + right);
    if (first === undefined || second === undefined || result === undefined) return undefined;
    table.set(first, second, rank, result);
  }
  return table;
}

/** The two names that a merge joins; undefined for what is no merge. */
function sidesOf(merge: unknown): readonly [string, string] | undefined {
  if (typeof merge === 'string') {
    const space = merge.indexOf(' ');
    if (space < 0 || merge.includes(' ', space + 1)) return undefined;
    return [merge.slice(0, space), merge.slice(space + 1)];
  }
  if (!Array.isArray(merge) || merge.length !== 2) return undefined;
  const [left, right]: readonly unknown[] = merge;
  return typeof left === 'string' && typeof right === 'string' ? [left, right] : undefined;
}

/** Ranks and results of merges by the two tokens that they join, in one array with open addressing. */
class MergeTable {
  /** Four numbers for each slot: both tokens, the rank and the result. A slot is free where the result is -1. */
  private readonly slots: Int32Array;
  private readonly mask: number;

  constructor(count: number) {
    const size = 2 ** Math.ceil(Math.log2(2 * count + 2));
    this.slots = new Int32Array(4 * size).fill(-1);
    this.mask = size - 1;
  }

  /** The slot of a merge, negative where there is none. */
  find(left: number, right: number): number {
    const slot = this.slotOf(left, right);
    return this.slots[slot + 3] === -1 ? -1 : slot;
  }

  rank(slot: number): number {
    return this.slots[slot + 2] ?? 0;
  }

  result(slot: number): number {
    return this.slots[slot + 3] ?? 0;
  }

  /** Adds a merge. Of two that join the same tokens the later one counts, as in the library. */
  set(left: number, right: number, rank: number, result: number) {
    const slot = this.slotOf(left, right);
    this.slots[slot] = left;
    this.slots[slot + 1] = right;
    this.slots[slot + 2] = rank;
    this.slots[slot + 3] = result;
  }

  private slotOf(left: number, right: number): number {
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    for (let at = (mixed ^ (mixed >>> 15)) & this.mask; ; at = (at + 1) & this.mask) {
      const slot = 4 * at;
      const isFree = this.slots[slot + 3] === -1;
      if (isFree || (this.slots[slot] === left && this.slots[slot + 1] === right)) return slot;
    }
  }
}
