import type { RankCost, Ranking, RankStrategy } from './ranking.js';

/** Positions of two responses in their list, the earlier one first. It is the one that `compare` gets as `a`. */
export type Pair = readonly [earlier: number, later: number];

/** A pair that was compared, and the probability that its earlier response is preferred. */
export interface Game {
  readonly pair: Pair;
  readonly probability: number;
}

/** The order and the scores that a strategy finds. */
export type Outcome = Pick<Ranking, 'order' | 'scores'>;

/**
 * The ranking of one list, apart from the model: it yields the pairs of a round, at least one, and is given for each its game,
 * in the same order.
 */
export type Plan = Generator<readonly Pair[], Outcome, readonly Game[]>;

/** A way to rank lists of n responses, n being at least 2. */
export interface Strategy {
  readonly name: RankStrategy;
  plan(n: number): Plan;
  /** Returns the most that the plan needs. */
  cost(n: number): RankCost;
}

/** Returns the pair of two positions, given in either order. */
export function pairOf(one: number, other: number): Pair {
  return one < other ? [one, other] : [other, one];
}

/** Returns the preferred response of a pair; of a tie, the earlier one. */
export function winnerOf({ pair: [earlier, later], probability }: Game): number {
  return probability >= 0.5 ? earlier : later;
}

/** Sorts positions by descending score; of equals, the earlier one comes first. */
export function descending(scores: Iterable<number>): number[] {
  return Array.from(scores, (score, place) => ({ score, place }))
    .sort((a, b) => (a.score === b.score ? a.place - b.place : a.score > b.score ? -1 : 1))
    .map(({ place }) => place);
}

/**
 * Sorts positions like `descending`, for scores that are sums or come from a fit: what differs by less than 1e-7 is a tie,
 * because equal sums that were added up in another order, or equal strengths, differ in their last digits.
 */
export function descendingSums(scores: readonly number[]): number[] {
  return descending(scores.map((score) => Math.round(score * 1e7)));
}
