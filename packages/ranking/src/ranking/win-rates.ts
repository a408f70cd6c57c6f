import type { Game } from './plan.js';

/**
 * Computes the mean probability of each response to be preferred to another one, where every pair was compared once.
 *
 * A response that occurs several times is compared once: `copies` counts how often it occurs, and copies of one text are ties
 * with each other. With c_i copies of response i and n copies in all, the rate is
 *
 *     w_i = ((c_i - 1) / 2 + sum over j of c_j P(i over j)) / (n - 1)
 *
 * @param copies one count of at least 1 for each response, at least 2 in all
 */
export function winRates(games: Iterable<Game>, copies: readonly number[]): number[] {
  const sums = copies.map((count) => 0.5 * (count - 1));
  const add = (place: number, value: number) => {
    sums[place] = (sums[place] ?? 0) + value;
  };
  for (const { pair, probability } of games) {
    const [a, b] = pair;
    add(a, probability * (copies[b] ?? 0));
    add(b, (1 - probability) * (copies[a] ?? 0));
  }
  const total = copies.reduce((sum, count) => sum + count, 0);
  return sums.map((sum) => sum / (total - 1));
}
