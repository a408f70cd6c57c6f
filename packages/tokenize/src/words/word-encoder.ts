import { LONGEST_MERGED, type Merger } from './merger.js';
import type { WordRules } from './rules.js';
import { eachPart } from './split-words.js';
import {
  hashOf,
  LONGEST_REMEMBERED,
  type PlacedTokens,
  type Span,
  TABLE_SIZE,
  type Tokens,
  WordTable,
} from './word-table.js';

/** Encodes texts by their words. */
export interface WordEncoder {
  /**
   * Finds the tokens of a text; undefined for a text that has to be encoded as a whole.
   *
   * @param options `withSpans` (default false) says that the places of the tokens are needed
   */
  encode(text: string, options?: { readonly withSpans?: boolean }): Promise<Tokens | undefined>;
}

/** A part of a text that the library is asked to encode. */
export interface AskedPart {
  readonly part: string;
  /** Whether the places of its tokens are needed. */
  readonly withSpans: boolean;
}

/** Encodes parts of texts that are left to the library; undefined for one that cannot be encoded alone. */
export type EncodeParts = (parts: readonly AskedPart[]) => Promise<readonly (Tokens | undefined)[]>;

/** A part whose tokens are not known yet, and the place where they belong. */
interface Hole extends AskedPart {
  readonly place: number;
  readonly start: number;
}

/**
 * Makes an encoder that remembers the tokens of words. Text repeats few words very often, and looking one up takes a small part of
 * the time that the library needs to encode it. Words that it meets for the first time are merged here; words of which the library
 * alone knows how they are split, and very long ones, are asked of it.
 */
export function createWordEncoder(rules: WordRules, merger: Merger, library: EncodeParts): WordEncoder {
  const memory = new WordMemory();
  return {
    async encode(text, { withSpans = false } = {}) {
      const all = new TokenList(withSpans);
      const holes: Hole[] = [];
      eachPart(text, rules, (start, end, isWord) => {
        if (memory.append(text, { start, end }, all)) return;
        if (isWord && end - start <= LONGEST_MERGED) {
          const tokens = merged(merger, text.slice(start, end));
          memory.remember(text, { start, end }, tokens);
          all.append(tokens, start);
        } else {
          const isShort = end - start <= LONGEST_REMEMBERED;
          holes.push({
            place: all.ids.length,
            start,
            part: text.slice(start, end),
            withSpans: withSpans || isShort,
          });
        }
      });
      if (holes.length === 0) return all;
      return filled(all, holes, await library(holes), memory);
    },
  };
}

/** Tokens of a text, while they are gathered. */
class TokenList implements Tokens {
  readonly ids: number[] = [];
  readonly spans: Span[] | undefined;

  constructor(readonly withSpans: boolean) {
    this.spans = withSpans ? [] : undefined;
  }

  /** Appends the tokens of a part that starts at a place. */
  append({ ids, spans = [] }: Tokens, start: number): void {
    for (const id of ids) this.ids.push(id);
    if (this.spans === undefined) return;
    for (const span of spans) this.spans.push({ start: start + span.start, end: start + span.end });
  }
}

/** Puts the tokens of the library in their places. */
function filled(
  { ids, spans, withSpans }: TokenList,
  holes: readonly Hole[],
  answers: readonly (Tokens | undefined)[],
  memory: WordMemory,
): Tokens | undefined {
  const all = new TokenList(withSpans);
  let done = 0;
  const copyTo = (end: number) => {
    all.append({ ids: ids.slice(done, end), spans: spans?.slice(done, end) }, 0);
    done = end;
  };
  for (const [at, { place, part, start }] of holes.entries()) {
    const tokens = answers[at];
    if (tokens === undefined) return undefined;
    copyTo(place);
    all.append(tokens, start);
    if (tokens.spans !== undefined) {
      memory.remember(part, { start: 0, end: part.length }, { ids: tokens.ids, spans: tokens.spans });
    }
  }
  copyTo(ids.length);
  return all;
}

/** The tokens of a word of plain text, which has one UTF-16 unit for each character. */
function merged(merger: Merger, word: string): PlacedTokens {
  const { count, ids, ends } = merger.merge(word);
  const characters = charactersOf(word);
  return {
    ids: [...ids.subarray(0, count)],
    spans: Array.from({ length: count }, (_, at) => ({
      // A token that is a part of a character has the place of the character.
      start: characters[at === 0 ? 0 : (ends[at - 1] ?? 0)] ?? 0,
      end: (characters[(ends[at] ?? 1) - 1] ?? 0) + 1,
    })),
  };
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

  /** Appends the tokens of a part of a text, and returns whether they are known. */
  append(text: string, { start, end }: Span, { ids, spans }: TokenList): boolean {
    if (end - start > LONGEST_REMEMBERED) return false;
    const hash = hashOf(text, start, end);
    let word = this.young.find(text, start, end, hash);
    if (word < 0) {
      const aged = this.old.find(text, start, end, hash);
      if (aged < 0) return false;
      const tokens = this.old.tokensOf(aged);
      this.makeRoom();
      word = this.young.add(text, { start, end, hash }, tokens);
    }
    const table = this.young;
    const to = table.firstToken(word + 1);
    for (let at = table.firstToken(word); at < to; at++) {
      ids.push(table.ids[at] ?? 0);
      spans?.push({ start: start + (table.starts[at] ?? 0), end: start + (table.ends[at] ?? 0) });
    }
    return true;
  }

  /** Remembers a word that is not known, unless it is long. */
  remember(text: string, { start, end }: Span, tokens: PlacedTokens): void {
    if (end - start > LONGEST_REMEMBERED) return;
    const hash = hashOf(text, start, end);
    // Texts that are encoded at the same time may ask the library for the same part.
    if (this.young.find(text, start, end, hash) >= 0) return;
    this.makeRoom();
    this.young.add(text, { start, end, hash }, tokens);
  }

  private makeRoom(): void {
    if (this.young.count < TABLE_SIZE) return;
    this.old = this.young;
    this.young = new WordTable();
  }
}
