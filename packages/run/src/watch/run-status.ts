import { createRate, formatBytes, formatDuration, formatNumber } from '@gram/report';
import type { StepRecord } from '../record.js';
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

/**
 * Follows the steps of a run. The time left follows from recent steps, as in a progress line.
 *
 * @param total steps of the whole run
 * @param done the steps of earlier parts of a resumed run
 * @param now clock in milliseconds; default `performance.now`
 */
export function createStatusKeeper(
  total: number,
  done: readonly StepRecord[],
  now: () => number = () => performance.now(),
): StatusKeeper {
  const start = now();
  const doneSteps = done.at(-1)?.step ?? 0;
  const rate = createRate();
  rate.add(doneSteps, start);
  let step = doneSteps;
  let notFinite = 0;
  let tokens = done.reduce((sum, record) => sum + record.tokens, 0);
  let last: WatchedStep | undefined;
  let heldOut = done.map(measuredIn).findLast((found) => found !== undefined);
  return {
    add(record) {
      last = record;
      heldOut = measuredIn(record) ?? heldOut;
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
        if (heldOut !== undefined) {
          const { step: measured, validation } = heldOut;
          facts.push([`Held-out loss, step ${formatNumber(measured)}`, formatNumber(validation.loss)]);
          if (validation.accuracy !== undefined) {
            facts.push([
              `Held-out accuracy, step ${formatNumber(measured)}`,
              formatNumber(validation.accuracy),
            ]);
          }
        }
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

function measuredIn({ step, validation }: StepRecord) {
  return validation && { step, validation };
}
