import type { Comparator } from '../comparator/comparator.js';
import { knockoutStrategy, linearScanStrategy } from './elimination.js';
import { mergeSortStrategy } from './merge-sort.js';
import type { Strategy } from './plan.js';
import type { RankItem, Ranking, RankStrategy, StrategyOptions } from './ranking.js';
import { type Aggregate, roundRobinStrategy } from './round-robin.js';
import { runPlans } from './run-plans.js';
import { swissStrategy } from './swiss.js';

/** The strategy of each name. */
export const strategies: Readonly<Record<RankStrategy, Strategy>> = {
  'round-robin': roundRobinStrategy('win-rate'),
  'bradley-terry': roundRobinStrategy('bradley-terry'),
  'linear-scan': linearScanStrategy,
  knockout: knockoutStrategy,
  'merge-sort': mergeSortStrategy,
  swiss: swissStrategy(),
};

/**
 * Ranks by comparing every pair once: n (n - 1) / 2 comparisons in 1 round. The result does not depend on the order of the
 * responses, ties apart, and mistakes of single comparisons average out.
 *
 * With `win-rate`, the default, a score is the mean probability of being preferred to another response. With `bradley-terry`
 * it is the probability of being preferred to a response of mean strength, by a Bradley-Terry model
 * `P(i over j) = s_i / (s_i + s_j)` that was fitted to the probabilities and to one drawn comparison more of each response. The order
 * is the same; the scores tell how far apart responses are that win or lose nearly all comparisons.
 *
 * @returns for each item its ranking
 * @throws as `rankAll`
 */
export function roundRobin(
  model: Comparator,
  items: readonly RankItem[],
  { aggregate = 'win-rate', ...options }: StrategyOptions & { readonly aggregate?: Aggregate } = {},
): Promise<Ranking[]> {
  return runPlans(model, items, () => roundRobinStrategy(aggregate), options);
}

/**
 * The paper's way to find the best: the first response is the best so far, and each next one replaces it if it is preferred.
 * n - 1 comparisons in n - 1 rounds.
 *
 * Only the first place is found out. A score is the probability of being preferred to the response that was chosen, which
 * itself has 0.5; where the two have not met it follows from the comparisons between, as if preferences had no contradictions.
 *
 * @returns for each item its ranking
 * @throws as `rankAll`
 */
export function linearScan(
  model: Comparator,
  items: readonly RankItem[],
  options?: StrategyOptions,
): Promise<Ranking[]> {
  return runPlans(model, items, () => linearScanStrategy, options);
}

/**
 * Finds the best by halves: neighbors are compared and the preferred ones go on to the next round. With an odd number, one
 * goes on without a comparison, and no response does so twice. n - 1 comparisons in ceil(log2 n) rounds.
 *
 * Only the first place is found out. A score is what it is for `linearScan`.
 *
 * @returns for each item its ranking
 * @throws as `rankAll`
 */
export function knockout(
  model: Comparator,
  items: readonly RankItem[],
  options?: StrategyOptions,
): Promise<Ranking[]> {
  return runPlans(model, items, () => knockoutStrategy, options);
}

/**
 * Sorts by merging, all merges of one level in step. With L = ceil(log2 n), at most n L - 2^L + 1 comparisons in at most
 * ceil(n / 2^(L - 1)) + ... + ceil(n / 2) + n - L rounds, about 2 n.
 *
 * The order is right where preferences have no contradictions; one wrong comparison may displace many responses. A score is the
 * share of the others that come after the response.
 *
 * @returns for each item its ranking
 * @throws as `rankAll`
 */
export function mergeSort(
  model: Comparator,
  items: readonly RankItem[],
  options?: StrategyOptions,
): Promise<Ranking[]> {
  return runPlans(model, items, () => mergeSortStrategy, options);
}

/**
 * A Swiss tournament: in each round, responses are paired with neighbors by their scores so far, and no pair meets twice. A
 * number `rounds` of rounds, at most so many that all have met (n - 1, or n where that is odd), and at most
 * rounds * floor(n / 2) comparisons: exactly so many as long as there are no more rounds than half the responses.
 *
 * A score is what it is for `roundRobin` with `bradley-terry`, by a fit to the comparisons made: it counts, too, whom a response was
 * compared with. Even without contradictions the order is an estimate.
 *
 * @param options `rounds` is 2 ceil(log2 n) by default, which makes about n log2 n comparisons
 * @returns for each item its ranking
 * @throws RewardError `bad-option` for rounds that are not a whole number of at least 1; as `rankAll`
 */
export async function swiss(
  model: Comparator,
  items: readonly RankItem[],
  { rounds, ...options }: StrategyOptions & { readonly rounds?: number } = {},
): Promise<Ranking[]> {
  const strategy = swissStrategy(rounds);
  return runPlans(model, items, () => strategy, options);
}
