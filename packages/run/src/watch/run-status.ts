import { createRate, formatBytes, formatDuration, formatNumber } from '@gram/report';
import { evaluationTitle, type RunMetrics } from '../metrics.js';
import { hasNumber, numberOf, type StepRecord } from '../record.js';
import type { WatchedStep } from '../step-meter.js';

/** State of a run, in the words that the page shows. */
export interface RunStatus {
  /** Steps done, and those of the whole run. */
  readonly step: number;
  readonly total: number;
  readonly steps: string;
  /** Name and value of each fact. */
  readonly facts: readonly (readonly [string, string])[];
}

/** Follows a run. */
export interface StatusKeeper {
  add(record: WatchedStep): void;
  status(): RunStatus;
}

/** Options of `createStatusKeeper`. */
export interface StatusOptions {
  /** Steps of the whole run. */
  readonly total: number;
  readonly metrics: RunMetrics;
  /** The steps of earlier parts of a resumed run. */
  readonly done: readonly StepRecord[];
  /** Clock in milliseconds. @default performance.now */
  readonly now?: () => number;
}

type Fact = [name: string, value: string];

/** Follows the steps of a run. The time left follows from recent steps, as in a progress line. */
export function createStatusKeeper({
  total,
  metrics,
  done,
  now = () => performance.now(),
}: StatusOptions): StatusKeeper {
  const start = now();
  const doneSteps = done.at(-1)?.step ?? 0;
  const rate = createRate();
  rate.add(doneSteps, start);
  let step = doneSteps;
  let notFinite = 0;
  let tokens = done.reduce((sum, record) => sum + (record.tokens ?? 0), 0);
  let last: WatchedStep | undefined;
  let measured = done.findLast(({ validation }) => validation !== undefined);
  return {
    add(record) {
      last = record;
      if (record.validation !== undefined) measured = record;
      step = record.step;
      tokens += record.tokens ?? 0;
      if (metrics.finite?.some((name) => !Number.isFinite(numberOf(record, name)))) notFinite += 1;
      rate.add(step, now());
    },
    status() {
      const facts: Fact[] = [];
      if (last !== undefined) {
        facts.push(...headlines(metrics, last), ...evaluationFacts(metrics, measured));
        if (Number.isFinite(last.tokensPerSecond)) {
          facts.push(['Speed', `${formatNumber(Math.round(last.tokensPerSecond))} tokens/s`]);
        }
        facts.push(['Memory', formatBytes(last.memoryBytes)], ['Tokens', formatNumber(tokens)]);
        if (notFinite > 0) facts.push(['Skipped, not finite', formatNumber(notFinite)]);
      }
      const perSecond = rate.perSecond();
      facts.push(['Running for', formatDuration((now() - start) / 1000)]);
      if (step < total && perSecond > 0) {
        facts.push(['Time left', `about ${formatDuration((total - step) / perSecond)}`]);
      }
      return { step, total, steps: `Step ${formatNumber(step)} of ${formatNumber(total)}`, facts };
    },
  };
}

function headlines({ curves }: RunMetrics, record: StepRecord): Fact[] {
  return curves.flatMap(({ name, title, isHeadline }): Fact[] =>
    isHeadline && hasNumber(record, name) ? [[title, formatNumber(numberOf(record, name))]] : [],
  );
}

function evaluationFacts(metrics: RunMetrics, record: StepRecord | undefined): Fact[] {
  if (record?.validation === undefined) return [];
  const { step, validation } = record;
  return metrics.curves.flatMap((curve): Fact[] => {
    const value = curve.evaluation === undefined ? undefined : validation[curve.evaluation];
    if (value === undefined) return [];
    const name = evaluationTitle(metrics, curve);
    return [[`${name[0]?.toUpperCase()}${name.slice(1)}, step ${formatNumber(step)}`, formatNumber(value)]];
  });
}
