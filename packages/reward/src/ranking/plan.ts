import type { Ranking, RankStrategy } from './ranking.js';

/** Places of two responses in their list, the earlier one first. It is the one that `compare` gets as `a`. */
export type Pair = readonly [earlier: number, later: number];

/** What a strategy finds out. */
export type Outcome = Pick<Ranking, 'order' | 'scores'>;

/**
 * The ranking of one list, apart from the model: it yields the pairs of a round, at least one, and is given for each the
 * probability that the earlier response is preferred.
 */
export type Plan = Generator<readonly Pair[], Outcome, readonly number[]>;

/** What ranking a list costs. */
export type Cost = Pick<Ranking, 'comparisons' | 'rounds'>;

/** A way to rank lists of n responses, n being at least 2. */
export interface Strategy {
  readonly name: RankStrategy;
  plan(n: number): Plan;
  /** What the plan needs at most. */
  cost(n: number): Cost;
}

/** The pair of two places, given in either order. */
export function pairOf(one: number, other: number): Pair {
  return one < other ? [one, other] : [other, one];
}

/** The preferred response of a pair; of a tie, the earlier one. */
export function winnerOf([earlier, later]: Pair, probability: number): number {
  return probability >= 0.5 ? earlier : later;
}

/** Places by descending score; of equals, the earlier one first. */
export function descending(scores: ArrayLike<number>): number[] {
  return Array.from(scores, (_, place) => place).sort((a, b) =>
    scores[a] === scores[b] ? a - b : scores[a]! > scores[b]! ? -1 : 1,
  );
}

/**
 * The same for scores that are sums or come from a fit: what differs by less than 1e-7 is a tie, because equal sums that were
 * added up in another order, or equal strengths, differ in their last digits.
 */
export function descendingSums(scores: readonly number[]): number[] {
  return descending(scores.map((score) => Math.round(score * 1e7)));
}
