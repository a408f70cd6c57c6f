import { BaseError } from './error.js';

/**
 * Pairs the elements of two arrays by their place.
 *
 * @throws {BaseError} `bad-values` when the arrays differ in length
 *
 * @example
 * ```ts
 * zip(['a', 'b'], [1, 2]); // [['a', 1], ['b', 2]]
 * ```
 */
export function zip<A, B>(first: readonly A[], second: readonly B[]): [A, B][] {
  const pairs: [A, B][] = [];
  const others = second.values();
  for (const element of first) {
    const next = others.next();
    if (!next.done) pairs.push([element, next.value]);
  }
  if (pairs.length === first.length && pairs.length === second.length) return pairs;
  throw new BaseError(
    'bad-values',
    `cannot pair ${first.length} elements with ${second.length}`,
    'give arrays of the same length',
  );
}
