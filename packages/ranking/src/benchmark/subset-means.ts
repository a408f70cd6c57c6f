import { mean, meanOrNull } from '@gram/base';
import type { BenchmarkResult } from './judged-item.js';
import { groupBy, oneColumn, type ScoreTable } from './score-table.js';

/**
 * Averages in two ways: over all items, which is what Unified-Feedback and the human verdicts of MT-Bench use, and over the
 * subsets, each with the same weight, as HHH alignment (Askell et al. 2021) is usually reported.
 */
export function subsetMeans(results: readonly BenchmarkResult[]): {
  items: number | null;
  subsets: number | null;
} {
  const groups = [...groupBy(results, ({ subset }) => subset).values()];
  const correctOf = (group: readonly BenchmarkResult[]) => group.map(({ correct }) => correct);
  return {
    items: meanOrNull(correctOf(results)),
    subsets: meanOrNull(groups.map((group) => mean(correctOf(group)))),
  };
}

/** Shows `subsetMeans` as a table. */
export function subsetMeansTable(results: readonly BenchmarkResult[]): ScoreTable {
  const { items, subsets } = subsetMeans(results);
  return oneColumn('accuracy', [
    ['All items', items],
    ['Mean of subsets', subsets],
  ]);
}
