import type { StepRecord } from './record.js';
import { evaluated } from './record.js';

/** A number of the steps of a run, as its charts, its log and its report show it. */
export interface Curve {
  /** Name of the number in the record of a step. */
  readonly name: string;
  /** Heading of its chart. */
  readonly title: string;
  /** Unit of its axis. */
  readonly unit: string;
  /** Group of the number in TensorBoard. */
  readonly group: string;
  /** Name of the number of an evaluation that is drawn beside it. @default none */
  readonly evaluation?: string;
  /** Whether it is shown in the progress line and at the top of the page. @default false */
  readonly isHeadline?: boolean;
  /** Whether a moving average is drawn, because single steps are noisy. @default true */
  readonly isNoisy?: boolean;
}

/** The number of an evaluation by which the best step is chosen. */
export interface BestBy {
  readonly name: string;
  readonly better: 'lower' | 'higher';
}

/** Curves and evaluations of a trainer's records, as data. */
export interface RunMetrics {
  readonly curves: readonly Curve[];
  /** Adjective of the data of evaluations, for example `held-out`. */
  readonly evaluation: string;
  /** Measures that decide which step is the best: the first of these that an evaluation has. */
  readonly bestBy: readonly BestBy[];
  /** Numbers that are not finite in a step that was skipped. @default none */
  readonly finite?: readonly string[];
}

/** Tag of a number in TensorBoard, `train/gradient_norm`. */
export function tagOf(group: string, name: string): string {
  return `${group}/${name.replaceAll('.', '/').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

/** Name of a curve of evaluations, `held-out loss`. */
export function evaluationTitle({ evaluation }: RunMetrics, { title }: Curve): string {
  return `${evaluation} ${title.toLowerCase()}`;
}

/** The record with the best evaluation, the first of equal ones; undefined where no finite number was measured. */
export function bestRecord<Record extends StepRecord>(
  records: readonly Record[],
  { bestBy }: Pick<RunMetrics, 'bestBy'>,
): Record | undefined {
  let best: { readonly record: Record; readonly cost: number } | undefined;
  for (const record of records) {
    const by = bestBy.find(({ name }) => record.validation?.[name] !== undefined);
    if (by === undefined) continue;
    const value = evaluated(record, by.name);
    const cost = by.better === 'lower' ? value : -value;
    if (Number.isFinite(cost) && (best === undefined || cost < best.cost)) best = { record, cost };
  }
  return best?.record;
}

/** The step with the best evaluation; undefined where there is none. */
export function bestStep(
  records: readonly StepRecord[],
  metrics: Pick<RunMetrics, 'bestBy'>,
): number | undefined {
  return bestRecord(records, metrics)?.step;
}
