import { createHash } from 'node:crypto';

/**
 * Gives a key its place in [0, 1), all places being equally likely: a multiple of 2^-48 from the SHA-256 digest of the seed, the
 * purpose and the key. The place does not depend on other keys or their order.
 */
export function placeOf(key: string, seed: number, purpose: string): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, purpose, key]))
    .digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}
