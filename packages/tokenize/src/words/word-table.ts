import type { TokenList } from './token-list.js';

/** Words that a table can hold. With their tokens they take about 50 bytes each. */
export const TABLE_SIZE = 2 ** 16;
/** Longest word that is remembered, in UTF-16 units. */
export const LONGEST_REMEMBERED = 32;

/** A part of the units of a text, and its hash. */
export interface Word {
  readonly units: Uint16Array;
  readonly start: number;
  readonly end: number;
  readonly hash: number;
}

const SLOT_MASK = 2 * TABLE_SIZE - 1;
/** Numbers of a slot, which lie side by side, as memory is what takes time. */
const [HASH, UNITS, TOKENS, LENGTHS, WIDTH] = [0, 1, 2, 3, 4];
/** The number of tokens stands above the number of units in one number. */
const COUNT_SHIFT = 8;
const UNIT_MASK = 2 ** COUNT_SHIFT - 1;

/** The tokens of words in flat arrays. No text is made to look a word up: it is a part of a longer text. */
export class WordTable {
  count = 0;
  /** Slots, each with the hash of its word, the places where its units and its tokens begin, and their numbers; zeros where it is free. */
  private readonly slots = new Int32Array(WIDTH * 2 * TABLE_SIZE);
  private text = new Uint16Array(4096);
  private textEnd = 0;
  /** Ids of tokens, and their places in their words in UTF-16 units. */
  private ids = new Int32Array(1024);
  private starts = new Uint8Array(1024);
  private ends = new Uint8Array(1024);
  private tokensEnd = 0;

  has({ units, start, end, hash }: Word): boolean {
    return this.find(units, start, end, hash) >= 0;
  }

  /** Appends the tokens of a word of a text that begins at `offset`, and returns whether it is here. */
  append({ units, start, end, hash }: Word, tokens: TokenList, offset: number): boolean {
    const slot = this.find(units, start, end, hash);
    if (slot < 0) return false;
    const first = this.slots[slot + TOKENS] ?? 0;
    const last = first + ((this.slots[slot + LENGTHS] ?? 0) >> COUNT_SHIFT);
    const from = offset + start;
    for (let at = first; at < last; at++)
      tokens.add(this.ids[at] ?? 0, from + (this.starts[at] ?? 0), from + (this.ends[at] ?? 0));
    return true;
  }

  /**
   * Adds a word that is not here. There has to be room.
   *
   * @param tokens those of its text, which begins at `offset`; its own are the last ones, from the number `first` on
   */
  add({ units, start, end, hash }: Word, tokens: TokenList, first: number, offset: number): void {
    const [unit, token] = [this.textEnd, this.tokensEnd];
    const count = tokens.count - first;
    this.textEnd += end - start;
    this.tokensEnd += count;
    this.text = withRoom(this.text, this.textEnd);
    this.text.set(units.subarray(start, end), unit);
    this.ids = withRoom(this.ids, this.tokensEnd);
    this.starts = withRoom(this.starts, this.tokensEnd);
    this.ends = withRoom(this.ends, this.tokensEnd);
    for (let at = 0; at < count; at++) {
      this.ids[token + at] = tokens.id(first + at);
      this.starts[token + at] = tokens.start(first + at) - offset - start;
      this.ends[token + at] = tokens.end(first + at) - offset - start;
    }
    let slot = hash & SLOT_MASK;
    while (this.slots[WIDTH * slot + LENGTHS] !== 0) slot = (slot + 1) & SLOT_MASK;
    this.slots.set([hash, unit, token, (count << COUNT_SHIFT) | (end - start)], WIDTH * slot);
    this.count++;
  }

  /** The place of the slot of a word, negative where it is not here. */
  private find(units: Uint16Array, start: number, end: number, hash: number): number {
    const { slots } = this;
    for (let at = hash & SLOT_MASK; ; at = (at + 1) & SLOT_MASK) {
      const slot = WIDTH * at;
      const lengths = slots[slot + LENGTHS] ?? 0;
      if (lengths === 0) return -1;
      if (slots[slot + HASH] !== hash || (lengths & UNIT_MASK) !== end - start) continue;
      if (this.is(slots[slot + UNITS] ?? 0, units, start, end)) return slot;
    }
  }

  private is(unit: number, units: Uint16Array, start: number, end: number): boolean {
    const { text } = this;
    for (let at = start; at < end; at++) if (text[unit + at - start] !== units[at]) return false;
    return true;
  }
}

/** The hash of a part of a text (FNV-1a over its units, with the high bits mixed into the low ones). */
export function hashOf(units: Uint16Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (units[at] ?? 0), 0x01000193);
  return hash ^ (hash >>> 15);
}

/** The array, or a longer one with the same beginning where it has less than `length` places. */
function withRoom<List extends Int32Array | Uint16Array | Uint8Array>(list: List, length: number): List {
  if (length <= list.length) return list;
  // The constructor of a list makes lists of its kind.
  const longer = new (list.constructor as new (size: number) => List)(Math.max(length, 2 * list.length));
  longer.set(list);
  return longer;
}
