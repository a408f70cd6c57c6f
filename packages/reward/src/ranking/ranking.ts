import type { Comparator, RewardModel, RunOptions } from '../reward-model.js';

/** Names of the ways to rank. What each costs and what its scores mean is said at the function of that name. */
export const rankStrategies = [
  'round-robin',
  'bradley-terry',
  'linear-scan',
  'knockout',
  'merge-sort',
  'swiss',
] as const;

/**
 * A way to rank: `roundRobin` by mean probability (`round-robin`) or by a fit (`bradley-terry`), `linearScan`, `knockout`,
 * `mergeSort` or `swiss`.
 */
export type RankStrategy = (typeof rankStrategies)[number];

/** Responses in order of preference. */
export interface Ranking {
  /** Indices of the responses, best first; of equals, the earlier one first. */
  readonly order: readonly number[];
  /** For each response a number from 0 to 1, the higher the better. Its meaning is that of the strategy. */
  readonly scores: readonly number[];
  /** Number of pairs compared. */
  readonly comparisons: number;
  /** Calls of `compare` that were needed one after the other. */
  readonly rounds: number;
  /** What ranked them; where `auto` was asked for, what it chose. */
  readonly strategy: RankStrategy;
}

/** Responses to one prompt that are to be ranked. */
export interface RankItem {
  readonly prompt: string;
  /** At least two. */
  readonly responses: readonly string[];
  /** Names the item in errors. @default its place in the list, as in `item 3` */
  readonly id?: string;
}

/** Options of `rank` and `rankAll`. Progress is in comparisons, see `rankAll`. */
export interface RankOptions extends RunOptions {
  /** `auto` decides for each list by its length and by `purpose`. @default 'auto' */
  readonly strategy?: RankStrategy | 'auto';
  /** What `auto` shall be good at: the whole order, or the first place alone. @default 'order' */
  readonly purpose?: 'order' | 'best';
}

/** What can rank: anything that compares. That of a reward model tells `auto` what a comparison costs. */
export interface Judge extends Comparator {
  readonly kind?: RewardModel['kind'];
}
