import { mix } from './mix.js';

/** Number of bands, and of rows of each; those of FineWeb (Penedo et al. 2024). */
const BANDS = 14;
const ROWS = 8;

/** Number of hashes of a signature. */
export const SIGNATURE_LENGTH = BANDS * ROWS;

/**
 * Computes the MinHash signature of a set (Broder 1997): the smallest value of each of 112 hash functions over its elements. The
 * share of places in which two signatures agree estimates the Jaccard similarity |A ∩ B| / |A ∪ B| of the sets, with a standard
 * deviation of at most 0.05.
 *
 * @param set integers below 2^53; repetitions do not matter
 */
export function minHash(set: Float64Array): Uint32Array {
  const signature = new Uint32Array(SIGNATURE_LENGTH).fill(0xffffffff);
  for (const element of set) {
    const [low, high] = [element >>> 0, Math.floor(element / 2 ** 32)];
    for (let at = 0; at < SIGNATURE_LENGTH; at++) {
      const value = mix(low ^ Math.imul(high + at, 0x9e3779b1));
      if (value < (signature[at] ?? 0)) signature[at] = value;
    }
  }
  return signature;
}

/** The share of places in which two signatures agree. */
export function agreement(first: Uint32Array, second: Uint32Array): number {
  let equal = 0;
  for (let at = 0; at < SIGNATURE_LENGTH; at++) if (first[at] === second[at]) equal++;
  return equal / SIGNATURE_LENGTH;
}

/** Signatures in which similar ones are found without comparing all: about 1 KB of memory for each. */
export interface SignatureIndex {
  /** Finds a signature that was added and agrees with this one in a share of places of at least `least`. */
  find(signature: Uint32Array, least: number): number | undefined;
  /** Adds a signature. Its number is that of the signatures before it. */
  add(signature: Uint32Array): void;
}

/**
 * Makes an empty index. Signatures are cut into 14 bands of 8 places, and those with an equal band are compared (locality-sensitive
 * hashing, Indyk and Motwani 1998): sets of similarity s meet with probability 1 - (1 - s^8)^14, which is 0.92 at 0.8 and 0.9995 at
 * 0.9.
 */
export function createSignatureIndex(): SignatureIndex {
  const signatures: Uint32Array[] = [];
  // The last signature with each band, and for each signature and band the one before it.
  const heads = Array.from({ length: BANDS }, () => new Map<number, number>());
  const before: Int32Array[] = [];
  return {
    find(signature, least) {
      for (const [band, head] of heads.entries()) {
        let at = head.get(bandHash(signature, band)) ?? -1;
        while (at >= 0) {
          const other = signatures[at];
          if (other !== undefined && agreement(signature, other) >= least) return at;
          at = before[at]?.[band] ?? -1;
        }
      }
      return undefined;
    },
    add(signature) {
      const number = signatures.push(signature) - 1;
      before.push(
        Int32Array.from(heads, (head, band) => {
          const hash = bandHash(signature, band);
          const last = head.get(hash) ?? -1;
          head.set(hash, number);
          return last;
        }),
      );
    },
  };
}

/** A 32-bit hash of the places of a band, as a small integer. */
function bandHash(signature: Uint32Array, band: number): number {
  let hash = band;
  for (let row = 0; row < ROWS; row++) hash = mix(Math.imul(hash, 31) ^ (signature[band * ROWS + row] ?? 0));
  return hash | 0;
}
