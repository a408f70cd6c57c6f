/** Words that a table can hold. With their tokens they take about 40 bytes each. */
export const TABLE_SIZE = 2 ** 16;
/** Longest word that is remembered, in UTF-16 units. */
export const LONGEST_REMEMBERED = 32;

/** The place of a token in its text, from the index `start` to before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The tokens of a text, with the place of each where somebody asked for them. */
export interface Tokens {
  readonly ids: readonly number[];
  readonly spans?: readonly Span[] | undefined;
}

/** Tokens with their places. */
export type PlacedTokens = Required<Tokens> & { readonly spans: readonly Span[] };

/** The tokens of words in flat arrays. No text is made to look a word up: it is a part of a longer text. */
export class WordTable {
  /** Ids of tokens, and their places in their words in UTF-16 units. */
  ids = new Int32Array(1024);
  starts = new Uint8Array(1024);
  ends = new Uint8Array(1024);
  count = 0;
  /** One more than the number of a word, by its hash; 0 is free. */
  private readonly slots = new Int32Array(2 * TABLE_SIZE);
  private readonly hashes = new Int32Array(TABLE_SIZE);
  /** Start of each word among the units, and of its tokens among the tokens. */
  private readonly units = new Int32Array(TABLE_SIZE + 1);
  private readonly tokens = new Int32Array(TABLE_SIZE + 1);
  private text = new Uint16Array(4096);

  /** The number of a word that is a part of a text, negative where it is not here. */
  find(text: string, start: number, end: number, hash: number): number {
    for (let slot = hash & SLOT_MASK; ; slot = (slot + 1) & SLOT_MASK) {
      const word = (this.slots[slot] ?? 0) - 1;
      if (word < 0 || (this.hashes[word] === hash && this.is(word, text, start, end))) return word;
    }
  }

  /** Place where the tokens of a word begin; they end where those of the next number begin. */
  firstToken(word: number): number {
    return this.tokens[word] ?? 0;
  }

  /** Adds a word that is not here, and returns its number. There has to be room. */
  add(text: string, { start, end, hash }: HashedPart, { ids, spans }: PlacedTokens): number {
    const word = this.count++;
    const unit = this.units[word] ?? 0;
    this.text = withRoom(this.text, unit + end - start);
    for (let at = start; at < end; at++) this.text[unit + at - start] = text.charCodeAt(at);
    const token = this.firstToken(word);
    this.ids = withRoom(this.ids, token + ids.length);
    this.starts = withRoom(this.starts, token + ids.length);
    this.ends = withRoom(this.ends, token + ids.length);
    for (const [at, { start: from, end: to }] of spans.entries()) {
      this.ids[token + at] = ids[at] ?? 0;
      this.starts[token + at] = from;
      this.ends[token + at] = to;
    }
    this.units[word + 1] = unit + end - start;
    this.tokens[word + 1] = token + ids.length;
    this.hashes[word] = hash;
    let slot = hash & SLOT_MASK;
    while (this.slots[slot] !== 0) slot = (slot + 1) & SLOT_MASK;
    this.slots[slot] = word + 1;
    return word;
  }

  /** The tokens of a word, to be added to another table. */
  tokensOf(word: number): PlacedTokens {
    const [from, to] = [this.firstToken(word), this.firstToken(word + 1)];
    return {
      ids: [...this.ids.subarray(from, to)],
      spans: Array.from({ length: to - from }, (_, at) => ({
        start: this.starts[from + at] ?? 0,
        end: this.ends[from + at] ?? 0,
      })),
    };
  }

  private is(word: number, text: string, start: number, end: number): boolean {
    const unit = this.units[word] ?? 0;
    if ((this.units[word + 1] ?? 0) - unit !== end - start) return false;
    for (let at = start; at < end; at++)
      if (this.text[unit + at - start] !== text.charCodeAt(at)) return false;
    return true;
  }
}

/** A part of a text, and its hash. */
export interface HashedPart {
  readonly start: number;
  readonly end: number;
  readonly hash: number;
}

const SLOT_MASK = 2 * TABLE_SIZE - 1;

/** The hash of a part of a text (FNV-1a over its units, with the high bits mixed into the low ones). */
export function hashOf(text: string, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
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
