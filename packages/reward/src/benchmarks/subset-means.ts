import { mean, meanOrNull } from '@gram/base';
import { type BenchmarkResult, orderVerdict } from './result.js';
import { groupBy, type ScoreTable } from './table.js';

/**
 * Two ways to average: over all items, which is what Unified-Feedback and the human verdicts of MT-Bench use, and over the
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

/** `subsetMeans` as a table. */
export function subsetMeansTable(results: readonly BenchmarkResult[]): ScoreTable {
  const { items, subsets } = subsetMeans(results);
  return {
    columns: ['accuracy'],
    rows: [
      { name: 'All items', values: [items] },
      { name: 'Mean of subsets', values: [subsets] },
    ],
  };
}

/**
 * LLMBar (Zeng et al. 2023): Natural, the unweighted mean of the four adversarial subsets, and that of all five. The
 * official accuracy is the mean of both orders, `orders`; `mean` decides by the mean probability.
 */
export function llmBarScores(
  results: readonly BenchmarkResult[],
): { group: string; orders: number | null; mean: number | null }[] {
  const bothOrders = ({ comparisons: [pair], preferred }: BenchmarkResult) => {
    const { orders, probability } = pair!;
    return mean((orders ?? [probability, probability]).map((p) => Number(orderVerdict(p) === preferred)));
  };
  const subsets = groupBy(results, ({ subset }) => subset);
  const over = (group: string, keep: (subset: string) => boolean) => {
    const parts = [...subsets].filter(([subset]) => keep(subset)).map(([, part]) => part);
    return {
      group,
      orders: meanOrNull(parts.map((part) => mean(part.map(bothOrders)))),
      mean: meanOrNull(parts.map((part) => mean(part.map(({ correct }) => correct)))),
    };
  };
  return [
    over('Natural', (subset) => subset === 'natural'),
    over('Adversarial, mean of subsets', (subset) => subset !== 'natural'),
    over('Mean of all subsets', () => true),
  ];
}

/** `llmBarScores` as a table. */
export function llmBarTable(results: readonly BenchmarkResult[]): ScoreTable {
  return {
    columns: ['mean of both orders', 'mean probability'],
    rows: llmBarScores(results).map((score) => ({ name: score.group, values: [score.orders, score.mean] })),
  };
}
