import { mean, meanOrNull } from '@gram/base';
import { badField, type FileRecord, idOf, textField } from '@gram/data';
import type { BenchmarkDefinition } from '../benchmark/definition.js';
import { type BenchmarkItem, ONE_PAIR } from '../benchmark/item.js';
import {
  type BenchmarkResult,
  type ComparedPair,
  onlyComparison,
  orderVerdict,
  type Verdict,
  verdict,
} from '../benchmark/judged-item.js';
import type { ScoreTable } from '../benchmark/score-table.js';

/**
 * JudgeBench (Tan et al. 2024): records `{ pair_id, source, question, response_A, response_B, label }` with the label `A>B` or
 * `B>A`.
 */
export const judgeBench: BenchmarkDefinition = {
  title: 'JudgeBench',
  parse,
  table,
};

function parse(from: FileRecord): BenchmarkItem {
  const label = textField(from, 'label');
  if (label !== 'A>B' && label !== 'B>A') throw badField(from, 'label', '"A>B" or "B>A"');
  return {
    id: idOf(from, 'pair_id'),
    subset: textField(from, 'source'),
    prompt: textField(from, 'question'),
    responses: [textField(from, 'response_A'), textField(from, 'response_B')],
    pairs: ONE_PAIR,
    preferred: label === 'A>B' ? 'first' : 'second',
  };
}

/** Part of the name of a source that belongs to each group. */
const GROUPS = {
  Knowledge: 'mmlu-pro',
  Reasoning: 'livebench-reasoning',
  Math: 'livebench-math',
  Coding: 'livecodebench',
} as const;

type Group = keyof typeof GROUPS;

function perGroup<T>(value: (group: Group) => T): Record<Group, T> {
  return {
    Knowledge: value('Knowledge'),
    Reasoning: value('Reasoning'),
    Math: value('Math'),
    Coding: value('Coding'),
  };
}

/** The scores of one rule on JudgeBench. */
export interface JudgeBenchScore {
  /** Accuracy of each group; null without items. `mmlu-pro-math` counts as Knowledge, as in the script that came with GRAM. */
  readonly groups: Readonly<Record<Group, number | null>>;
  /** Unweighted mean of the groups that have items: the number that the authors of GRAM publish. */
  readonly groupMean: number | null;
  /** Accuracy over the items of all groups: the official overall. */
  readonly itemMean: number | null;
  /** Overall figure of the script that came with GRAM: items and group accuracies averaged as one list. */
  readonly script: number | null;
}

/** Rule by which a verdict is right or wrong; see `judgeBenchScores`. */
export const judgeBenchRules = {
  single: ({ probability, orders }: ComparedPair, label) =>
    orderVerdict(orders?.[0] ?? probability) === label,
  both: (pair, label) => counter(pair, label) > 0,
  strict: (pair, label) => counter(pair, label) === 2,
  mean: (pair, label) => verdict(pair) === label,
} as const satisfies Record<string, (pair: ComparedPair, label: Verdict) => boolean>;

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
    const right = (group: Group) =>
      results
        .filter(({ subset }) => subset.includes(GROUPS[group]))
        .map((result) => Number(judgeBenchRules[rule](onlyComparison(result), result.preferred)));
    const byGroup = perGroup(right);
    const items = Object.values(byGroup).flat();
    const means = perGroup((group) => meanOrNull(byGroup[group]));
    const known = Object.values(means).filter((value) => value !== null);
    return {
      groups: means,
      groupMean: meanOrNull(known),
      itemMean: meanOrNull(items),
      script: items.length === 0 ? null : mean([...items, ...known]),
    };
  };
  return { single: score('single'), both: score('both'), strict: score('strict'), mean: score('mean') };
}

function counter({ probability, orders }: ComparedPair, label: Verdict): number {
  return (orders ?? [probability, probability]).reduce((sum, order) => {
    const said = orderVerdict(order);
    return sum + (said === 'tie' ? 0 : said === label ? 1 : -1);
  }, 0);
}

function table(results: readonly BenchmarkResult[]): ScoreTable {
  const scores = Object.values(judgeBenchScores(results));
  const row = (name: string, read: (score: JudgeBenchScore) => number | null) => ({
    name,
    values: scores.map(read),
  });
  return {
    columns: ['single order', 'both orders', 'both right', 'mean probability'],
    rows: [
      ...Object.values(perGroup((name) => row(name, ({ groups }) => groups[name]))),
      row('Mean of groups', ({ groupMean }) => groupMean),
      row('All items', ({ itemMean }) => itemMean),
      row("Authors' script", ({ script }) => script),
    ],
  };
}
