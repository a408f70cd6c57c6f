import { createRate, formatBytes, formatDuration, formatNumber } from '@gram/report';
import type { WatchedStep } from './step-meter.js';

/** Where a run is, in the words that the page shows. */
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

/**
 * Follows the steps of a run from `doneSteps` on. The time left follows from recent steps, as in a progress line.
 *
 * @param now clock in milliseconds; default `performance.now`
 */
export function createStatusKeeper(
  total: number,
  doneSteps: number,
  now: () => number = () => performance.now(),
): StatusKeeper {
  const start = now();
  const rate = createRate();
  rate.add(doneSteps, start);
  let step = doneSteps;
  let notFinite = 0;
  let tokens = 0;
  let last: WatchedStep | undefined;
  return {
    add(record) {
      last = record;
      step = record.step;
      tokens += record.tokens;
      if (!Number.isFinite(record.loss) || !Number.isFinite(record.gradientNorm)) notFinite += 1;
      rate.add(step, now());
    },
    status() {
      const facts: [string, string][] = [];
      if (last !== undefined) {
        facts.push(['Loss', formatNumber(last.loss)]);
        if (last.accuracy !== undefined) facts.push(['Accuracy', formatNumber(last.accuracy)]);
        facts.push(
          ['Speed', `${formatNumber(Math.round(last.tokensPerSecond))} tokens/s`],
          ['Memory', formatBytes(last.memoryBytes)],
          ['Tokens', formatNumber(tokens)],
        );
        if (notFinite > 0) facts.push(['Skipped, not finite', formatNumber(notFinite)]);
      }
      const perSecond = rate.perSecond();
      const left =
        step < total && perSecond > 0
          ? [['Time left', `about ${formatDuration((total - step) / perSecond)}`]]
          : [];
      facts.push(['Running for', formatDuration((now() - start) / 1000)], ...(left as [string, string][]));
      return { step, total, steps: `Step ${formatNumber(step)} of ${formatNumber(total)}`, facts };
    },
  };
}
