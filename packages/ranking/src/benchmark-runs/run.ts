import { conversationText } from '@gram/base';
import type { BenchmarkItem } from '../benchmark/item.js';
import type { BenchmarkResult } from '../benchmark/judged-item.js';
import { type BenchmarkName, correctness } from '../benchmarks/benchmarks.js';
import type { Comparator, Comparison, RunOptions } from '../comparator/comparator.js';
import { RewardError } from '../comparator/error.js';

/** A group of items ends once it has this many comparisons. */
const GROUP_COMPARISONS = 128;

/** A benchmark to run: its items, or some of them. */
export interface BenchmarkRun {
  readonly name: BenchmarkName;
  readonly items: readonly BenchmarkItem[];
}

/** Options of `runBenchmark`. */
export interface BenchmarkOptions extends RunOptions {
  /** Results that an earlier run left, of the first items in their order; see `resumePoint`. @default none */
  readonly done?: readonly BenchmarkResult[];
  /** Receives the new results of each group of items and is awaited: what it has written can be given as `done`. */
  readonly onResults?: (results: readonly BenchmarkResult[]) => void | Promise<void>;
}

/**
 * Returns how many of `done` results a run can continue from. Items are judged in groups that depend on the benchmark alone,
 * because numbers may differ in their last bits with the sequences that share a batch: a group that was interrupted is judged
 * again, so an interrupted run gives the same results as one that was not.
 */
export function resumePoint(items: readonly BenchmarkItem[], done: number): number {
  return groupEnds(items).findLast((end) => end <= done) ?? 0;
}

/**
 * Judges the items of a benchmark. Progress counts comparisons, those that are done already included.
 *
 * @example
 * const results = await runBenchmark(model, await readBenchmark('RM-Bench/data', 'rm-bench'));
 *
 * @returns the results of all items in their order, those of `done` as they are
 * @throws RewardError `no-pairs` without items, `bad-values` where `done` does not fit or `compare` gives too few results;
 * whatever `compare` and `onResults` throw
 */
export async function runBenchmark(
  model: Comparator,
  { name, items }: BenchmarkRun,
  { signal, onProgress, done = [], onResults }: BenchmarkOptions = {},
): Promise<BenchmarkResult[]> {
  if (items.length === 0) {
    throw new RewardError('no-pairs', 'the benchmark has no items', 'give at least one item');
  }
  checkDone(items, done);
  const total = comparisonCount(items);
  const results = [...done];
  for (const end of groupEnds(items)) {
    if (end <= results.length) continue;
    signal?.throwIfAborted();
    const before = comparisonCount(items.slice(0, results.length));
    const group = items.slice(results.length, end);
    const compared = await model.compare(group.flatMap(comparisonItems), {
      signal,
      onProgress: (count) => onProgress?.(before + count, total),
    });
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

function comparisonCount(items: readonly BenchmarkItem[]): number {
  return items.reduce((sum, { pairs }) => sum + pairs.length, 0);
}

function comparisonItems({ id, prompt, responses, pairs }: BenchmarkItem) {
  return pairs.map(([first, second]) => {
    const [a, b] = [responses[first], responses[second]];
    if (a === undefined || b === undefined) {
      throw new RewardError(
        'bad-values',
        `item ${JSON.stringify(id)} has ${responses.length} responses and compares ${first} with ${second}`,
        'give pairs of positions of its responses',
      );
    }
    return { id: pairs.length === 1 ? id : `${id} responses ${first} and ${second}`, prompt, a, b };
  });
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
  const hint = 'give the results of this benchmark from the first item on, as many as resumePoint says';
  if (resumePoint(items, done.length) !== done.length) {
    throw new RewardError('bad-values', `a run cannot continue after ${done.length} results`, hint);
  }
  for (const [at, { id }] of done.entries()) {
    const wanted = items[at]?.id;
    if (id === wanted) continue;
    const message = `result ${at + 1} is of item ${JSON.stringify(id)} and not of ${JSON.stringify(wanted)}`;
    throw new RewardError('bad-values', message, hint);
  }
}

function resultOf(
  name: BenchmarkName,
  item: BenchmarkItem,
  compared: readonly Comparison[],
): BenchmarkResult {
  const { pairs, responses } = item;
  if (compared.length !== pairs.length) {
    throw new RewardError(
      'bad-values',
      `compare gave ${compared.length} results for ${pairs.length} pairs of item ${JSON.stringify(item.id)}`,
      'return one result for each item',
    );
  }
  const lengths = responses.map((response) => [...conversationText(response)].length);
  const comparisons = compared.flatMap(({ probability, orders, consistent }, at) => {
    const pair = pairs[at];
    return pair === undefined
      ? []
      : [{ pair, probability, ...(orders !== undefined && { orders }), consistent }];
  });
  const truncated = compared.some((one) => one.truncated);
  const neutralized = compared.some((one) => one.neutralized);
  return scoredResult(name, item, { lengths, comparisons, truncated, neutralized });
}

/** Completes what was measured on an item to its result: the labels come from the item, and `correct` follows from both. */
export function scoredResult(
  name: BenchmarkName,
  { id, subset, preferred, correctResponses, tags }: BenchmarkItem,
  {
    lengths,
    comparisons,
    truncated,
    neutralized,
  }: Pick<BenchmarkResult, 'lengths' | 'comparisons' | 'truncated' | 'neutralized'>,
): BenchmarkResult {
  const labels = {
    preferred,
    ...(correctResponses !== undefined && { correctResponses }),
    ...(tags !== undefined && { tags }),
  };
  const judged = { ...labels, lengths, comparisons };
  return { id, subset, correct: correctness(name, { subset, ...judged }), ...judged, truncated, neutralized };
}
