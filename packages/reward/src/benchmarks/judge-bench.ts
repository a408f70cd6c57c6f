import { mean, meanOrNull } from '@gram/base';
import { type BenchmarkResult, type ComparedPair, orderVerdict, verdict } from './result.js';
import type { ScoreTable } from './table.js';

const groups = {
  Knowledge: 'mmlu-pro',
  Reasoning: 'livebench-reasoning',
  Math: 'livebench-math',
  Coding: 'livecodebench',
} as const;

/** What a rule gives on JudgeBench. */
export interface JudgeBenchScore {
  /** Accuracy of each group; null without items. `mmlu-pro-math` counts as Knowledge, as in the script that came with GRAM. */
  readonly groups: Readonly<Record<keyof typeof groups, number | null>>;
  /** Unweighted mean of the groups that have items: the number that the authors of GRAM publish. */
  readonly groupMean: number | null;
  /** Accuracy over the items of all groups: the official overall. */
  readonly itemMean: number | null;
  /** What the script that came with GRAM prints as overall: items and group accuracies averaged as one list. */
  readonly script: number | null;
}

/** How a verdict becomes right or wrong; see `judgeBenchScores`. */
export const judgeBenchRules = {
  single: ({ probability, orders }: ComparedPair, label) =>
    orderVerdict(orders?.[0] ?? probability) === label,
  both: (pair, label) => counter(pair, label) > 0,
  strict: (pair, label) => counter(pair, label) === 2,
  mean: (pair, label) => verdict(pair) === label,
} as const satisfies Record<string, (pair: ComparedPair, label: BenchmarkResult['preferred']) => boolean>;

/**
 * JudgeBench (Tan et al. 2024) by several rules:
 *
 * - `single`: the verdict of one order, response A shown first; official for judges that do not depend on the order;
 * - `both`: the official rule for judges that are asked in both orders. Each verdict that equals the label counts +1, each
 *   that equals its opposite -1, a tie 0; right if the sum is above 0. One right and one wrong verdict are a tie, and wrong;
 * - `strict`: both verdicts must be right;
 * - `mean`: the mean probability of both orders, as GRAM was evaluated.
 *
 * A model without orders has the same verdict in both.
 */
export function judgeBenchScores(
  results: readonly BenchmarkResult[],
): Record<keyof typeof judgeBenchRules, JudgeBenchScore> {
  const score = (rule: keyof typeof judgeBenchRules): JudgeBenchScore => {
    const byGroup = Object.values(groups).map((key) =>
      results
        .filter(({ subset }) => subset.includes(key))
        .map(({ comparisons, preferred }) => Number(judgeBenchRules[rule](comparisons[0]!, preferred))),
    );
    const items = byGroup.flat();
    const means = byGroup.map(meanOrNull);
    const known = means.filter((value) => value !== null);
    return {
      groups: Object.fromEntries(
        Object.keys(groups).map((name, at) => [name, means[at]!]),
      ) as JudgeBenchScore['groups'],
      groupMean: meanOrNull(known),
      itemMean: meanOrNull(items),
      script: items.length === 0 ? null : mean([...items, ...known]),
    };
  };
  return { single: score('single'), both: score('both'), strict: score('strict'), mean: score('mean') };
}

function counter({ probability, orders }: ComparedPair, label: BenchmarkResult['preferred']): number {
  return (orders ?? [probability, probability]).reduce((sum, order) => {
    const said = orderVerdict(order);
    return sum + (said === 'tie' ? 0 : said === label ? 1 : -1);
  }, 0);
}

/** `judgeBenchScores` as a table. */
export function judgeBenchTable(results: readonly BenchmarkResult[]): ScoreTable {
  const scores = Object.values(judgeBenchScores(results));
  const row = (name: string, read: (score: JudgeBenchScore) => number | null) => ({
    name,
    values: scores.map(read),
  });
  return {
    columns: ['single order', 'both orders', 'both right', 'mean probability'],
    rows: [
      ...(Object.keys(groups) as (keyof typeof groups)[]).map((name) =>
        row(name, (score) => score.groups[name]),
      ),
      row('Mean of groups', ({ groupMean }) => groupMean),
      row('All items', ({ itemMean }) => itemMean),
      row("Authors' script", ({ script }) => script),
    ],
  };
}
