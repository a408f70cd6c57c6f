import type { Benchmark, BenchmarkItem, BenchmarkName } from '@gram/data';
import { RewardError } from '../error.js';
import type { Comparator, Comparison, RunOptions } from '../reward-model.js';
import { type BenchmarkResult, correctness } from './result.js';

/** A group of items ends once it has this many comparisons. */
const GROUP_COMPARISONS = 128;

/** A benchmark to run: its items need not be all that it has. */
export interface BenchmarkRun {
  readonly name: BenchmarkName;
  readonly items: Benchmark['items'];
}

/** Options of `runBenchmark`. */
export interface BenchmarkOptions extends RunOptions {
  /** Results that an earlier run left, of the first items in their order; see `resumePoint`. @default none */
  readonly done?: readonly BenchmarkResult[];
  /** Called with the new results of each group of items and awaited: what it has written can be given as `done`. */
  readonly onResults?: (results: readonly BenchmarkResult[]) => void | Promise<void>;
}

/**
 * How many of `done` results a run can go on from. Items are judged in groups that depend on the benchmark alone, because
 * numbers may differ in their last bits with the sequences that share a batch: a group that was begun is judged again, so
 * a run that was interrupted gives what one run gives.
 */
export function resumePoint(items: readonly BenchmarkItem[], done: number): number {
  return groupEnds(items).findLast((end) => end <= done) ?? 0;
}

/**
 * Judges the items of a benchmark. Progress counts comparisons, those that are done already included.
 *
 * @returns the results of all items in their order, those of `done` as they are
 * @throws RewardError `no-pairs` without items, `bad-values` where `done` does not fit; whatever `compare` and `onResults` throw
 */
export async function runBenchmark(
  model: Comparator,
  { name, items }: BenchmarkRun,
  { signal, onProgress, done = [], onResults }: BenchmarkOptions = {},
): Promise<BenchmarkResult[]> {
  if (items.length === 0) {
    throw new RewardError('no-pairs', 'the benchmark has no items', 'Give at least one item.');
  }
  checkDone(items, done);
  const comparisonsOf = (part: readonly BenchmarkItem[]) =>
    part.reduce((sum, { pairs }) => sum + pairs.length, 0);
  const total = comparisonsOf(items);
  const results = [...done];
  for (const end of groupEnds(items)) {
    if (end <= results.length) continue;
    signal?.throwIfAborted();
    const before = comparisonsOf(items.slice(0, results.length));
    const group = items.slice(results.length, end);
    const compared = await model.compare(
      group.flatMap(({ id, prompt, responses, pairs }) =>
        pairs.map(([a, b]) => ({
          id: pairs.length === 1 ? id : `${id} responses ${a} and ${b}`,
          prompt,
          a: responses[a]!,
          b: responses[b]!,
        })),
      ),
      { signal, onProgress: (count) => onProgress?.(before + count, total) },
    );
    let next = 0;
    const found = group.map((item) => {
      next += item.pairs.length;
      return resultOf(name, item, compared.slice(next - item.pairs.length, next));
    });
    results.push(...found);
    await onResults?.(found);
  }
  return results;
}

function groupEnds(items: readonly BenchmarkItem[]): number[] {
  const ends: number[] = [];
  let comparisons = 0;
  for (const [index, { pairs }] of items.entries()) {
    comparisons += pairs.length;
    if (comparisons < GROUP_COMPARISONS && index < items.length - 1) continue;
    ends.push(index + 1);
    comparisons = 0;
  }
  return ends;
}

function checkDone(items: readonly BenchmarkItem[], done: readonly BenchmarkResult[]): void {
  const hint = 'Give the results of this benchmark from the first item on, as many as resumePoint says.';
  if (resumePoint(items, done.length) !== done.length) {
    throw new RewardError('bad-values', `a run can not go on after ${done.length} results`, hint);
  }
  const at = done.findIndex(({ id }, index) => id !== items[index]!.id);
  if (at < 0) return;
  const [found, wanted] = [done[at]!.id, items[at]!.id].map((id) => JSON.stringify(id));
  throw new RewardError('bad-values', `result ${at + 1} is of item ${found} and not of ${wanted}`, hint);
}

function resultOf(
  name: BenchmarkName,
  item: BenchmarkItem,
  compared: readonly Comparison[],
): BenchmarkResult {
  const { id, subset, preferred, correctResponses, responses, pairs } = item;
  const judged = {
    preferred,
    ...(correctResponses !== undefined && { correctResponses }),
    lengths: responses.map((text) => [...text].length),
    comparisons: pairs.map((pair, at) => {
      const { probability, orders, consistent } = compared[at]!;
      return { pair, probability, ...(orders !== undefined && { orders }), consistent };
    }),
  };
  const truncated = compared.some((one) => one.truncated);
  return { id, subset, correct: correctness(name, { subset, ...judged }), ...judged, truncated };
}
