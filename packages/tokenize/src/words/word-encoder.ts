import { LONGEST_MERGED, type Merger } from './merger.js';
import type { WordRules } from './rules.js';
import { eachPart } from './split-words.js';
import { type Span, TokenList } from './token-list.js';
import { unitsOf } from './units.js';
import { hashOf, LONGEST_REMEMBERED, TABLE_SIZE, type Word, WordTable } from './word-table.js';

/** Encodes texts by their words. */
export interface WordEncoder {
  /**
   * Appends the tokens of a text, whose first place is `start`, and returns whether it can be encoded by its words.
   *
   * @param options `withSpans` (default false) says that the places of the tokens are needed
   */
  encode(text: string, all: TokenList, start: number, options?: SpanOptions): Promise<boolean>;
}

/** Options of encoding. */
export interface SpanOptions {
  /** Whether the places of tokens are needed. @default false */
  readonly withSpans?: boolean;
}

/** The tokens of a part that the library encoded, with the place of each where they were asked for. */
export interface Tokens {
  readonly ids: readonly number[];
  readonly spans?: readonly Span[] | undefined;
}

/** A part of a text that the library is asked to encode. */
export interface AskedPart {
  readonly part: string;
  /** Whether the places of its tokens are needed. */
  readonly withSpans: boolean;
}

/** Encodes parts of texts that are left to the library; undefined for one that cannot be encoded alone. */
export type EncodeParts = (parts: readonly AskedPart[]) => Promise<readonly (Tokens | undefined)[]>;

/** A part whose tokens are not known yet, and the number of tokens before it. */
interface Hole extends AskedPart {
  readonly place: number;
  readonly start: number;
}

/**
 * Makes an encoder that remembers the tokens of words. Text repeats few words very often, and looking one up takes a small part of
 * the time that the library needs to encode it. Words that it meets for the first time are merged here; words of which the library
 * alone knows how they are split, very long ones, and those with bytes that have no token are asked of it.
 */
export function createWordEncoder(rules: WordRules, merger: Merger, library: EncodeParts): WordEncoder {
  const memory = new WordMemory();
  return {
    async encode(text, all, offset, { withSpans = false } = {}) {
      const before = all.count;
      const holes: Hole[] = [];
      const units = unitsOf(text);
      eachPart(text, units, rules, (start, end, isWord) => {
        const isShort = end - start <= LONGEST_REMEMBERED;
        const word = isShort ? { units, start, end, hash: hashOf(units, start, end) } : undefined;
        if (word !== undefined && memory.append(word, all, offset)) return;
        const part = text.slice(start, end);
        const first = all.count;
        if (isWord && part.length <= LONGEST_MERGED && addMerged(merger, part, offset + start, all)) {
          if (word !== undefined) memory.remember(word, all, first, offset);
          return;
        }
        holes.push({
          place: all.count - before,
          start: offset + start,
          part,
          withSpans: withSpans || isShort,
        });
      });
      if (holes.length === 0) return true;
      const known = all.takeFrom(before);
      const answers = await library(holes);
      if (answers.includes(undefined)) return false;
      let done = 0;
      for (const [at, { place, part, start }] of holes.entries()) {
        all.append(known, 0, { from: done, to: place });
        done = place;
        const found = listOf(answers[at]);
        all.append(found, start);
        if (found.hasPlaces && part.length <= LONGEST_REMEMBERED) memory.remember(wordOf(part), found, 0, 0);
      }
      all.append(known, 0, { from: done });
      return true;
    },
  };
}

/** The tokens that the library found. */
function listOf({ ids, spans }: Tokens = { ids: [] }): TokenList {
  const list = new TokenList(ids.length);
  for (const [at, id] of ids.entries()) list.add(id, spans?.[at]?.start ?? 0, spans?.[at]?.end ?? 0);
  list.hasPlaces = spans !== undefined;
  return list;
}

/** A text as a word. */
function wordOf(text: string): Word {
  const units = unitsOf(text);
  return { units, start: 0, end: text.length, hash: hashOf(units, 0, text.length) };
}

/** Adds the tokens of a word of plain text, which has one UTF-16 unit for each character, unless a byte of it has no token. */
function addMerged(merger: Merger, word: string, start: number, all: TokenList): boolean {
  const merged = merger.merge(word);
  if (merged === undefined) return false;
  const { count, ids, ends } = merged;
  const characters = charactersOf(word);
  for (let at = 0; at < count; at++) {
    // A token that is a part of a character has the place of the character.
    const first = characters[at === 0 ? 0 : (ends[at - 1] ?? 0)] ?? 0;
    const last = characters[(ends[at] ?? 1) - 1] ?? 0;
    all.add(ids[at] ?? 0, start + first, start + last + 1);
  }
  return true;
}

/** The character of each byte of a word. */
function charactersOf(word: string): number[] {
  const characters: number[] = [];
  for (let at = 0; at < word.length; at++) {
    const code = word.charCodeAt(at);
    for (let bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : 3; bytes > 0; bytes--) characters.push(at);
  }
  return characters;
}

/** The words that were met last, in two generations: a full younger one becomes the older one, and unused words are forgotten. */
class WordMemory {
  private young = new WordTable();
  private old = new WordTable();

  /** Appends the tokens of a word of a text that begins at `offset`, and returns whether they are known. */
  append(word: Word, all: TokenList, offset: number): boolean {
    if (this.young.append(word, all, offset)) return true;
    const first = all.count;
    if (!this.old.append(word, all, offset)) return false;
    this.add(word, all, first, offset);
    return true;
  }

  /** Remembers a word whose tokens are the last ones, from the number `first` on. */
  remember(word: Word, all: TokenList, first: number, offset: number): void {
    // Texts that are encoded at the same time may ask the library for the same part.
    if (!this.young.has(word)) this.add(word, all, first, offset);
  }

  private add(word: Word, all: TokenList, first: number, offset: number): void {
    if (this.young.count === TABLE_SIZE) {
      this.old = this.young;
      this.young = new WordTable();
    }
    this.young.add(word, all, first, offset);
  }
}
