import type { WatchedStep } from '../step-meter.js';

/** The numbers of a step that are drawn. */
export const metricNames = [
  'loss',
  'accuracy',
  'gradientNorm',
  'learningRate',
  'tokensPerSecond',
  'heldOutLoss',
  'heldOutAccuracy',
] as const;
export type MetricName = (typeof metricNames)[number];

/** A record of a step; what one of an earlier part of the run does not tell may be missing. */
export type PastStep = Omit<WatchedStep, 'tokensPerSecond' | 'memoryBytes'> & Partial<WatchedStep>;

/** A number of a step; NaN where it has none. */
export function metricOf(record: PastStep, name: MetricName): number {
  const { validation } = record;
  switch (name) {
    case 'heldOutLoss':
      return validation?.loss ?? Number.NaN;
    case 'heldOutAccuracy':
      return validation?.accuracy ?? Number.NaN;
    default:
      return record[name] ?? Number.NaN;
  }
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
  readonly metrics: Readonly<Record<MetricName, Summary>>;
}

/** Records of a run of any length in bounded memory. */
export interface History {
  add(record: PastStep): void;
  /** At most `limit` rows in the order of the steps. */
  rows(): HistoryRow[];
  /** Counts the steps that each row but the last one stands for: a power of two. */
  stepsPerRow(): number;
}

interface Bucket {
  from: number;
  to: number;
  steps: number;
  metrics: Record<MetricName, { sum: number; count: number; low: number; high: number }>;
}

/**
 * Keeps a run as at most `limit` rows. While they last each step has its own; then neighbors are merged two by two, so that
 * means stay means of all steps and the lowest and the highest number are never lost. The cost of a step does not grow.
 *
 * @param limit even, at least 2
 */
export function createHistory(limit: number): History {
  let buckets: Bucket[] = [];
  let size = 1;
  return {
    add(record) {
      const bucket = bucketOf(record);
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

function bucketOf(record: PastStep): Bucket {
  const metric = (name: MetricName) => {
    const value = metricOf(record, name);
    return Number.isFinite(value)
      ? { sum: value, count: 1, low: value, high: value }
      : { sum: 0, count: 0, low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY };
  };
  return { from: record.step, to: record.step, steps: 1, metrics: forEachMetric(metric) };
}

/** Adds the steps of `next`, which follow, to `bucket`. */
function merge(bucket: Bucket, next: Bucket): void {
  bucket.to = next.to;
  bucket.steps += next.steps;
  for (const name of metricNames) {
    const [into, from] = [bucket.metrics[name], next.metrics[name]];
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

function rowOf({ from, to, metrics }: Bucket): HistoryRow {
  const summary = (name: MetricName): Summary => {
    const { sum, count, low, high } = metrics[name];
    return count === 0
      ? { mean: Number.NaN, low: Number.NaN, high: Number.NaN }
      : { mean: sum / count, low, high };
  };
  return { from, to, metrics: forEachMetric(summary) };
}

function forEachMetric<T>(value: (name: MetricName) => T): Record<MetricName, T> {
  return Object.fromEntries(metricNames.map((name) => [name, value(name)])) as Record<MetricName, T>;
}
