import { bootstrapInterval, createRandom, type Interval, mean } from '@gram/base';
import type { BenchmarkMatrix } from '../benchmark/definition.js';
import type { BenchmarkResult } from '../benchmark/judged-item.js';
import { groupBy, type ScoreTable } from '../benchmark/score-table.js';
import { type BenchmarkName, benchmarks } from '../benchmarks/benchmarks.js';
import { RewardError } from '../comparator/error.js';
import { type Calibration, calibration } from '../evaluation/calibration.js';
import { type LengthControlled, lengthControlled } from '../evaluation/lengths.js';
import { type OrderEffect, orderEffect } from '../evaluation/order-effect.js';

/** Mean score of a model on a group of items. */
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
  /** Scores of the subsets, in the order in which they first appear. */
  readonly subsets: Readonly<Record<string, GroupScore>>;
  readonly order: OrderEffect;
  /** Calibration with 10 bins; null where no pair has a better response. */
  readonly calibration: Calibration | null;
  readonly lengths: LengthControlled;
  /** The matrix of each domain, for benchmarks that have such, as RM-Bench has. */
  readonly matrices?: readonly BenchmarkMatrix[];
  /** Number of items whose text was cut. */
  readonly truncated: number;
  /** Number of items in whose texts marks of the prompt were escaped. */
  readonly neutralized: number;
}

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
    throw new RewardError('no-pairs', 'there are no results to summarize', 'give at least one result');
  }
  const { table, matrices } = benchmarks[name];
  const groups = groupBy(results, ({ subset }) => subset);
  return {
    benchmark: name,
    ...groupScore(results, seed),
    comparisons: results.reduce((sum, { comparisons }) => sum + comparisons.length, 0),
    scores: table(results),
    // A stream for each subset: its interval does not depend on the others.
    subsets: Object.fromEntries(
      [...groups].map(([subset, group]) => [subset, groupScore(group, seed, subset)]),
    ),
    order: orderEffect(results.flatMap(({ comparisons }) => comparisons)),
    calibration: calibration(results),
    lengths: lengthControlled(results),
    ...(matrices !== undefined && { matrices: matrices.compute(results) }),
    truncated: results.filter(({ truncated }) => truncated).length,
    neutralized: results.filter(({ neutralized }) => neutralized).length,
  };
}

function groupScore(results: readonly BenchmarkResult[], seed: number, ...stream: string[]): GroupScore {
  const correct = results.map((result) => result.correct);
  const interval = bootstrapInterval(correct, createRandom(seed, 'benchmark', ...stream));
  return { score: mean(correct), interval, items: results.length };
}
