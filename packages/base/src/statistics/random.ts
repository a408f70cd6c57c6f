import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import { BaseError } from '../error.js';

/** A stream of random numbers. Drawing from it never changes another stream. */
export interface Random {
  /** Draws a multiple of 2^-53 in [0, 1). */
  uniform(): number;
  /** Draws an integer in [0, n); `n` is a positive safe integer. */
  integer(n: number): number;
  /** Draws from the standard normal distribution (Box-Muller). */
  normal(): number;
  /** Draws one element of a non-empty array, all equally likely. */
  pick<T>(items: readonly T[]): T;
  /** Returns a new array in random order (Fisher-Yates); the argument keeps its order. */
  shuffle<T>(items: readonly T[]): T[];
}

/**
 * Opens the random stream named by `seed` and `stream`.
 *
 * The 128-bit state of a xoroshiro128+ generator is the first half of the SHA-256 digest of both, so streams
 * with different names are independent, and equal names give equal numbers on every platform.
 *
 * @param seed any finite number
 * @param stream path of the stream, for example `'shuffle', epoch`; the number 1 and the string '1' differ
 * @throws {BaseError} `bad-option` when the seed is not finite, `n` of `integer` is not a positive safe integer, or `pick`
 *   is given an empty array
 *
 * @example
 * ```ts
 * const random = createRandom(42, 'shuffle', 3);
 * random.shuffle(['a', 'b', 'c']); // equal for equal seeds and names
 * ```
 */
export function createRandom(seed: number, ...stream: readonly (string | number)[]): Random {
  if (!Number.isFinite(seed)) {
    throw new BaseError('bad-option', `the seed is ${seed}`, 'give a finite number as the seed');
  }
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...stream]))
    .digest();
  const generator = xoroshiro128plusFromState([0, 4, 8, 12].map((offset) => digest.readInt32LE(offset)));

  const uniform = () => uniformFloat64(generator);
  const integer = (n: number) => {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new BaseError('bad-option', `cannot draw an integer below ${n}`, 'give a positive integer');
    }
    return uniformInt(generator, 0, n - 1);
  };
  return {
    uniform,
    integer,
    // 1 - u keeps the logarithm away from zero.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    pick: <T>(items: readonly T[]) => {
      if (items.length === 0) {
        throw new BaseError('bad-option', 'cannot pick from an empty array', 'give at least one item');
      }
      return items[integer(items.length)] as T;
    },
    shuffle: <T>(items: readonly T[]) => {
      const result = [...items];
      for (let last = result.length - 1; last > 0; last--) {
        const other = integer(last + 1);
        [result[last], result[other]] = [result[other] as T, result[last] as T];
      }
      return result;
    },
  };
}
