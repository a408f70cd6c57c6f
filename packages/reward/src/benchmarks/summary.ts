import { bootstrapInterval, createRandom, type Interval, mean } from '@gram/base';
import type { BenchmarkName } from '@gram/data';
import { RewardError } from '../error.js';
import { type OrderEffect, orderEffect } from '../order-effect.js';
import { type Calibration, calibration } from './calibration.js';
import { judgeBenchTable } from './judge-bench.js';
import { type LengthControlled, lengthControlled } from './lengths.js';
import { pandaLmTable } from './panda-lm.js';
import type { BenchmarkResult } from './result.js';
import { rewardBenchTable } from './reward-bench.js';
import { rewardBench2Table } from './reward-bench-2.js';
import { type RmBenchDomain, rmBenchScores, rmBenchTable } from './rm-bench.js';
import { rmbTable } from './rmb.js';
import { llmBarTable, subsetMeansTable } from './subset-means.js';
import { groupBy, type ScoreTable } from './table.js';

/** How right a model is on a group of items. */
export interface GroupScore {
  /** Mean of `correct`. */
  readonly score: number;
  /** See `bootstrapInterval`; the items are resampled. */
  readonly interval: Interval;
  readonly items: number;
}

/** Everything that follows from the results of a benchmark. Equal results and seeds give equal summaries. */
export interface BenchmarkSummary extends GroupScore {
  readonly benchmark: BenchmarkName;
  readonly comparisons: number;
  /** The scores that the benchmark defines, official and other versions side by side. */
  readonly scores: ScoreTable;
  /** In the order in which subsets first appear. */
  readonly subsets: Readonly<Record<string, GroupScore>>;
  readonly order: OrderEffect;
  /** With 10 bins; null where no pair has a better response. */
  readonly calibration: Calibration | null;
  readonly lengths: LengthControlled;
  /** RM-Bench: the matrix of each domain. */
  readonly matrices?: readonly Pick<RmBenchDomain, 'domain' | 'matrix'>[];
  /** Items whose text was cut. */
  readonly truncated: number;
}

const tables: Readonly<Record<BenchmarkName, (results: readonly BenchmarkResult[]) => ScoreTable>> = {
  'reward-bench': rewardBenchTable,
  'reward-bench-2': rewardBench2Table,
  'rm-bench': rmBenchTable,
  'judge-bench': judgeBenchTable,
  llmbar: llmBarTable,
  hhh: subsetMeansTable,
  rmb: rmbTable,
  pandalm: pandaLmTable,
  'mt-bench': subsetMeansTable,
  'unified-feedback': subsetMeansTable,
};

/**
 * Computes the scores of a benchmark, and what helps to read them: intervals, subsets, the effect of order and length,
 * calibration.
 *
 * @param options `seed` of the bootstrap, default 0
 * @throws RewardError `no-pairs` for no results
 */
export function summarizeBenchmark(
  name: BenchmarkName,
  results: readonly BenchmarkResult[],
  { seed = 0 }: { readonly seed?: number } = {},
): BenchmarkSummary {
  if (results.length === 0) {
    throw new RewardError('no-pairs', 'there are no results to summarize', 'Give at least one result.');
  }
  const groups = groupBy(results, ({ subset }) => subset);
  return {
    benchmark: name,
    ...groupScore(results, seed),
    comparisons: results.reduce((sum, { comparisons }) => sum + comparisons.length, 0),
    scores: tables[name](results),
    // A stream for each subset: its interval does not depend on the others.
    subsets: Object.fromEntries(
      [...groups].map(([subset, group]) => [subset, groupScore(group, seed, subset)]),
    ),
    order: orderEffect(results.flatMap(({ comparisons }) => comparisons)),
    calibration: calibration(results),
    lengths: lengthControlled(results),
    ...(name === 'rm-bench' && {
      matrices: rmBenchScores(results).domains.map(({ domain, matrix }) => ({ domain, matrix })),
    }),
    truncated: results.filter(({ truncated }) => truncated).length,
  };
}

function groupScore(results: readonly BenchmarkResult[], seed: number, ...stream: string[]): GroupScore {
  const correct = results.map((result) => result.correct);
  const interval = bootstrapInterval(correct, createRandom(seed, 'benchmark', ...stream));
  return { score: mean(correct), interval, items: results.length };
}
