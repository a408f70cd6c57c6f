import { zip } from '@gram/base';
import type { RunMetrics } from '../metrics.js';
import { evaluated, numberOf, type StepRecord } from '../record.js';
import { speedCurve } from '../step-meter.js';

/** A number of a step that is drawn: one of the step itself, or one of the evaluation after it. */
export interface Metric {
  /** Unique among the metrics of a run. */
  readonly name: string;
  /** A message to a reader. */
  readonly label: string;
  /** The number of a step; NaN where it has none. */
  of(record: StepRecord): number;
}

/** The numbers that the page of a run draws: those of its curves and its speed, then those of evaluations. */
export function drawnMetrics({ curves, evaluation }: RunMetrics): readonly Metric[] {
  const own = [...curves, speedCurve].map(({ name, title }) => ({
    name,
    label: title.toLowerCase(),
    of: (record: StepRecord) => numberOf(record, name),
  }));
  const measured = curves.flatMap(({ evaluation: name, title }) =>
    name === undefined
      ? []
      : [
          {
            name: evaluationName(name),
            label: `${evaluation} ${title.toLowerCase()}`,
            of: (record: StepRecord) => evaluated(record, name),
          },
        ],
  );
  return [...own, ...measured];
}

/** The name of the number of an evaluation among the metrics of a run. */
export function evaluationName(name: string): string {
  return `validation.${name}`;
}

/** A number over neighboring steps; where none of them has it or all are not finite, all three are NaN. */
export interface Summary {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Neighboring steps, `from` to `to`. */
export interface HistoryRow {
  readonly from: number;
  readonly to: number;
  /** One for each metric of the history, in their order. */
  readonly summaries: readonly Summary[];
}

/** Records of a run of any length in bounded memory. */
export interface History {
  readonly metrics: readonly Metric[];
  add(record: StepRecord): void;
  /** At most `limit` rows in the order of the steps. */
  rows(): HistoryRow[];
  /** Counts the steps that each row but the last one stands for: a power of two. */
  stepsPerRow(): number;
}

interface Sum {
  sum: number;
  count: number;
  low: number;
  high: number;
}

interface Bucket {
  from: number;
  to: number;
  steps: number;
  readonly sums: readonly Sum[];
}

/**
 * Keeps a run as at most `limit` rows. While they last each step has its own; then neighbors are merged two by two, so that
 * means stay means of all steps and the lowest and the highest number are never lost. The cost of a step does not grow.
 *
 * @param limit even, at least 2
 */
export function createHistory(limit: number, metrics: readonly Metric[]): History {
  let buckets: Bucket[] = [];
  let size = 1;
  return {
    metrics,
    add(record) {
      const bucket = bucketOf(record, metrics);
      const last = buckets.at(-1);
      if (last !== undefined && last.steps < size) {
        merge(last, bucket);
        return;
      }
      if (buckets.length === limit) {
        buckets = pairs(buckets);
        size *= 2;
      }
      buckets.push(bucket);
    },
    rows: () => buckets.map(rowOf),
    stepsPerRow: () => size,
  };
}

function bucketOf(record: StepRecord, metrics: readonly Metric[]): Bucket {
  const sums = metrics.map((metric): Sum => {
    const value = metric.of(record);
    return Number.isFinite(value)
      ? { sum: value, count: 1, low: value, high: value }
      : { sum: 0, count: 0, low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY };
  });
  return { from: record.step, to: record.step, steps: 1, sums };
}

/** Adds the steps of `next`, which follow, to `bucket`. */
function merge(bucket: Bucket, next: Bucket): void {
  bucket.to = next.to;
  bucket.steps += next.steps;
  for (const [into, from] of zip(bucket.sums, next.sums)) {
    into.sum += from.sum;
    into.count += from.count;
    into.low = Math.min(into.low, from.low);
    into.high = Math.max(into.high, from.high);
  }
}

function pairs(buckets: readonly Bucket[]): Bucket[] {
  const merged: Bucket[] = [];
  for (const [index, bucket] of buckets.entries()) {
    const last = merged.at(-1);
    if (index % 2 === 1 && last !== undefined) merge(last, bucket);
    else merged.push(bucket);
  }
  return merged;
}

function rowOf({ from, to, sums }: Bucket): HistoryRow {
  const summaries = sums.map(({ sum, count, low, high }) =>
    count === 0 ? { mean: Number.NaN, low: Number.NaN, high: Number.NaN } : { mean: sum / count, low, high },
  );
  return { from, to, summaries };
}
