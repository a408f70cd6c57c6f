import type { Answer, Prompt, Tool } from '@gram/base';
import type { Comparison, RunOptions } from '../comparator/comparator.js';

/** Names of the ranking strategies. The function of each name says what it costs and what its scores mean. */
export const rankStrategies = [
  'round-robin',
  'bradley-terry',
  'linear-scan',
  'knockout',
  'merge-sort',
  'swiss',
] as const;

/**
 * A ranking strategy: `roundRobin` by mean probability (`round-robin`) or by a fit (`bradley-terry`), `linearScan`, `knockout`,
 * `mergeSort` or `swiss`.
 */
export type RankStrategy = (typeof rankStrategies)[number];

/** Cost of ranking a list. */
export interface RankCost {
  /** Number of pairs compared. */
  readonly comparisons: number;
  /** Number of calls of `compare` that are needed one after the other. */
  readonly rounds: number;
}

/** Responses in order of preference. */
export interface Ranking extends RankCost {
  /** Indices of the responses, best first; of equals, the earlier one first. */
  readonly order: readonly number[];
  /** Score of each response, from 0 to 1, the higher the better. The strategy says what it means. */
  readonly scores: readonly number[];
  /** The strategy that ranked the responses; for `auto`, the one that it chose. */
  readonly strategy: RankStrategy;
}

/** Responses to one prompt that are to be ranked. */
export interface RankItem {
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[] | undefined;
  /** Two responses or more. */
  readonly responses: readonly Answer[];
  /** Names the item in errors. @default its position in the list, as in `item 3` */
  readonly id?: string;
}

/** Choice of the strategy that ranks a list. */
export interface StrategyChoice {
  /** `auto` decides for each list by its length and by `purpose`. @default 'auto' */
  readonly strategy?: RankStrategy | 'auto';
  /** Goal of `auto`: the whole order, or the first place alone. @default 'order' */
  readonly purpose?: 'order' | 'best';
}

/** A comparison that was made for a ranking. */
export interface RankedPair {
  /** Position of the list among those that are ranked together. */
  readonly item: number;
  /** Positions of the two responses in their list, the earlier one first; it was compared as `a`. */
  readonly pair: readonly [number, number];
  readonly comparison: Comparison;
}

/** Options of running a strategy. Progress is in comparisons, see `rankAll`. */
export interface StrategyOptions extends RunOptions {
  /** Receives each comparison that was made, after its round. */
  readonly onComparison?: (made: RankedPair) => void;
}

/** Options of `rank` and `rankAll`. */
export interface RankOptions extends StrategyOptions, StrategyChoice {}
