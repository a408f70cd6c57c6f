import { insideOf } from './split-words.js';
import { TokenList } from './token-list.js';
import type { SpanOptions, WordEncoder } from './word-encoder.js';

/** Shortest text whose inside is remembered, in UTF-16 units. */
const SHORTEST = 512;
/** Units of the texts of one generation that are remembered. */
const REMEMBERED = 2 ** 18;

/** Encodes texts that are joined, of which some are met again soon. */
export interface JoinedEncoder {
  /** Appends the tokens of the joined text to a list that is empty, and returns whether it can be encoded by its words. */
  encode(texts: readonly string[], all: TokenList, options?: SpanOptions): Promise<boolean>;
}

/**
 * Makes an encoder that remembers the tokens inside of texts. A pair that is compared is encoded in both orders, measured and cut, and
 * all stand in the same instruction: the same texts come again, between others. What lies between two ends of words of a text has
 * the same tokens there, so that only its beginning and its end are encoded with their neighbors.
 */
export function createJoinedEncoder(words: WordEncoder): JoinedEncoder {
  const memory = new TextMemory(words);
  return {
    async encode(texts, all, options = {}) {
      let place = 0;
      let seam = '';
      for (const text of texts) {
        const inside = text.length < SHORTEST ? undefined : insideOf(text);
        if (inside === undefined) {
          seam += text;
          continue;
        }
        seam += text.slice(0, inside.start);
        if (!(await words.encode(seam, all, place, options))) return false;
        place += seam.length;
        const tokens = await memory.tokens(text, inside, options);
        if (tokens === undefined) return false;
        all.append(tokens, place);
        place += inside.end - inside.start;
        seam = text.slice(inside.end);
      }
      return words.encode(seam, all, place, options);
    },
  };
}

/** Tokens inside of a text; undefined for one that has to be encoded as a whole. */
interface Inside {
  readonly tokens: Promise<TokenList | undefined>;
  readonly withSpans: boolean;
}

/** The texts that were met last, in two generations: a full younger one becomes the older one. */
class TextMemory {
  private young = new Map<string, Inside>();
  private old = new Map<string, Inside>();
  private units = 0;

  constructor(private readonly words: WordEncoder) {}

  /** The tokens inside of a text, which are found if they are not known, or not with the places that are needed. */
  async tokens(
    text: string,
    { start, end }: { readonly start: number; readonly end: number },
    { withSpans = false }: SpanOptions,
  ): Promise<TokenList | undefined> {
    const known = this.young.get(text) ?? this.old.get(text);
    if (known !== undefined) {
      const tokens = await known.tokens;
      if (known.withSpans || !withSpans || (tokens?.hasPlaces ?? true)) return tokens;
    }
    if (this.units > REMEMBERED) {
      this.old = this.young;
      [this.young, this.units] = [new Map(), 0];
    }
    const tokens = this.find(text.slice(start, end), { withSpans });
    this.young.set(text, { tokens, withSpans });
    this.units += text.length;
    return tokens;
  }

  private async find(text: string, options: SpanOptions): Promise<TokenList | undefined> {
    // English has four to five units a token.
    const list = new TokenList(Math.ceil(text.length / 3));
    return (await this.words.encode(text, list, 0, options)) ? list : undefined;
  }
}
