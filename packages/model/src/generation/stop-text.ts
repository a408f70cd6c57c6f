import type { StopText } from './generation.js';

/**
 * Characters at the start of a text whose first tokens were cut off that may not be those of the whole text: up to
 * three replacement characters for bytes of a cut one, or a space or mark that decoders treat otherwise in front.
 */
const UNSURE_START = 8;
/** Stands at the end while bytes of a character are missing. */
const REPLACEMENT = '\uFFFD';
/** Tokens that are decoded before it is tried to decode fewer. */
const FEW_TOKENS = 32;

/** Looks for stop strings in a text that grows by tokens. */
export interface StopSearch {
  /**
   * Whether the text of all tokens up to now contains a stop string. To be asked once after each token; after the
   * first yes there is nothing more to ask.
   *
   * @param ids all tokens of the text, one more than the last time
   */
  found(ids: readonly number[]): Promise<boolean>;
}

/**
 * A search that decodes only a tail of the tokens: one that is long enough for a stop string behind an unsure start, and
 * gives the text that the whole has there. How many tokens that takes is found by trying, since tokens can be parts of
 * characters, or no text at all.
 */
export function searchStopText({ strings, decode }: StopText): StopSearch {
  const enough = UNSURE_START + Math.max(0, ...strings.map(({ length }) => length));
  let start = 0;
  let next = FEW_TOKENS;
  return {
    async found(ids) {
      const text = await decode(ids.slice(start));
      const from = start === 0 ? 0 : UNSURE_START;
      if (strings.some((string) => text.includes(string, from))) return true;
      const count = ids.length - start;
      if (count < next) return false;
      const half = start + Math.ceil(count / 2);
      const tail = await decode(ids.slice(half));
      // Until a character is complete, some decoders show replacements for all bytes around it.
      const isSure = !text.endsWith(REPLACEMENT) && text.endsWith(tail.slice(UNSURE_START));
      const cut = isSure && tail.length >= enough;
      if (cut) start = half;
      next = cut ? ids.length - half + FEW_TOKENS : 2 * count;
      return false;
    },
  };
}
