import { mix } from './mix.js';

/**
 * Unifies what copies of a text differ in without being other texts: case, kinds and runs of white space, space around, and forms
 * of compatibility (NFKC). Punctuation stays: `3 - 4` and `3 + 4` are two questions.
 */
export function normalizedText(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

/** Two 32-bit hashes of each word of a text, in the order of the words. */
export interface WordHashes {
  readonly length: number;
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

/** The kinds of characters. A mark belongs to the word that it follows. */
const OTHER = 0;
const LETTER = 1;
const MARK = 2;
/** A letter of a script without spaces between words, or a sign of arithmetic: a word of its own. */
const ALONE = 3;

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const SEEDS = [0x9e3779b9, 0x85ebca6b] as const;
const PRIME = 0x01000193;
const SPACE = 0x20;

/**
 * Hashes the words of a text in lower case (FNV-1a over UTF-16 code units): runs of letters and digits, the letters of scripts that are
 * written without spaces, and signs of arithmetic, which tell sums from differences. Other punctuation is left out, and forms of
 * compatibility are unified (NFKC).
 */
export function hashWords(text: string): WordHashes {
  const table = kindsOfCharacters();
  const lower = text.normalize('NFKC').toLowerCase();
  const low = new Uint32Array(lower.length);
  const high = new Uint32Array(lower.length);
  let length = 0;
  let isOpen = false;
  let isAlone = false;
  let a: number = SEEDS[0];
  let b: number = SEEDS[1];
  // The end of the text closes its last word.
  for (let at = 0; at <= lower.length; at++) {
    const unit = at < lower.length ? lower.charCodeAt(at) : SPACE;
    const kind = table[unit];
    if (isOpen && (kind === OTHER || kind === ALONE || (isAlone && kind !== MARK))) {
      low[length] = mix(a);
      high[length++] = mix(b);
      isOpen = false;
    }
    if (kind === OTHER || (kind === MARK && !isOpen)) continue;
    if (!isOpen) {
      a = SEEDS[0];
      b = SEEDS[1];
      isOpen = true;
      isAlone = kind === ALONE;
    }
    a = Math.imul(a ^ unit, PRIME);
    b = Math.imul(b ^ unit, PRIME);
  }
  return { length, low: low.slice(0, length), high: high.slice(0, length) };
}

/** The kinds of all UTF-16 code units, by unit; made at the first use. */
let kinds: Uint8Array | undefined;

function kindsOfCharacters(): Uint8Array {
  kinds ??= Uint8Array.from({ length: 2 ** 16 }, (_, unit) => kindOf(String.fromCharCode(unit)));
  return kinds;
}

function kindOf(character: string): number {
  if (UNSPACED.test(character) || /[-+*/=<>^%]/.test(character)) return ALONE;
  // A half of a pair of surrogates counts as a letter: rare scripts have words, and emoji are some.
  if (/[\p{L}\p{N}\p{Cs}]/u.test(character)) return LETTER;
  return /\p{M}/u.test(character) ? MARK : OTHER;
}
