import type { WordSplitter } from './split-words.js';

/** The place of a token in its text, from the index `start` to before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The tokens of a word. */
export interface WordTokens {
  readonly ids: readonly number[];
  /** The places of the tokens in the word, where somebody asked for them. */
  readonly spans?: readonly Span[];
  /** Length of the word, in UTF-16 units. */
  readonly length: number;
}

/** Encodes texts by their words. */
export interface WordEncoder {
  /** Gives the tokens of the words of a text, in order; undefined for a text that has to be encoded as a whole. */
  words(text: string, options?: WordOptions): Promise<readonly WordTokens[] | undefined>;
}

/** Options of encoding words. */
export interface WordOptions {
  /** Whether the places of the tokens are needed. @default false */
  readonly withSpans: boolean;
}

/** Words that are remembered, twice as many at times; with their tokens they take about 200 bytes each. */
const REMEMBERED = 2 ** 16;
/** Longest word that is remembered, in UTF-16 units. */
const LONGEST = 32;

/**
 * Makes an encoder that remembers the tokens of words. Text repeats few words very often, and looking one up takes a tenth of
 * the time that the library needs to encode it.
 *
 * @param encodeWords encodes words that are not remembered; undefined for one that cannot be encoded alone
 */
export function createWordEncoder(
  split: WordSplitter,
  encodeWords: (
    words: readonly string[],
    options: WordOptions,
  ) => Promise<readonly (WordTokens | undefined)[]>,
): WordEncoder {
  // There are two generations: a full younger one becomes the older one, and words that nobody asked for since are forgotten.
  let young = new Map<string, WordTokens>();
  let old = new Map<string, WordTokens>();
  const remember = (word: string, tokens: WordTokens) => {
    if (word.length > LONGEST) return;
    if (young.size >= REMEMBERED) [young, old] = [new Map(), young];
    // A part of a text would keep the whole text in memory.
    young.set(Buffer.from(word, 'utf16le').toString('utf16le'), tokens);
  };
  const recall = (word: string): WordTokens | undefined => {
    const aged = old.get(word);
    if (aged !== undefined) remember(word, aged);
    return aged;
  };
  return {
    async words(text, { withSpans } = { withSpans: false }) {
      const words = split(text);
      const known: (WordTokens | undefined)[] = [];
      const missing = new Set<string>();
      for (const word of words) {
        const tokens = young.get(word) ?? recall(word);
        const isKnown = tokens !== undefined && !(withSpans && tokens.spans === undefined);
        known.push(isKnown ? tokens : undefined);
        if (!isKnown) missing.add(word);
      }
      if (missing.size === 0) return known as WordTokens[]; // None of them is missing.
      const asked = [...missing];
      const found = await encodeWords(asked, { withSpans });
      const fresh = new Map<string, WordTokens>();
      for (const [at, word] of asked.entries()) {
        const tokens = found[at];
        if (tokens === undefined) return undefined;
        fresh.set(word, tokens);
        remember(word, tokens);
      }
      // Every word is known or fresh.
      return words.map((word, at) => (known[at] ?? fresh.get(word)) as WordTokens);
    },
  };
}
