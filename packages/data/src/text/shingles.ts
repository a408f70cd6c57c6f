import { mix } from './mix.js';
import type { WordHashes } from './words.js';

/** Base of the polynomial in the hashes of the words. */
const BASE = 0x01000193;

/**
 * Hashes each run of `length` words of a text, a shingle (Broder 1997), to an integer below 2^53. Runs may repeat, and so may
 * hashes. A text of fewer words is one shingle, and one without words has none.
 */
export function shingles(words: WordHashes, length: number): Float64Array {
  const size = Math.min(length, words.length);
  const hashes = new Float64Array(size === 0 ? 0 : words.length - size + 1);
  for (let start = 0; start < hashes.length; start++) {
    let [a, b] = [0, 0];
    for (let at = start; at < start + size; at++) {
      a = (Math.imul(a, BASE) + (words.low[at] ?? 0)) | 0;
      b = (Math.imul(b, BASE) + (words.high[at] ?? 0)) | 0;
    }
    hashes[start] = (mix(b) & 0x1fffff) * 2 ** 32 + mix(a);
  }
  return hashes;
}
