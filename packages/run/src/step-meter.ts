import type { Curve } from './metrics.js';
import type { StepRecord } from './record.js';

/** Time and memory of a step. */
export type StepCost = {
  /** Tokens of the step through the time since the step before; the time of checkpoints and compilation counts. */
  readonly tokensPerSecond: number;
  /** Memory of the process on this machine in bytes (resident set), without that of accelerators. */
  readonly memoryBytes: number;
};

/** A step as it is watched. */
export type WatchedStep = StepRecord & StepCost;

/** The speed of every run. */
export const speedCurve: Curve = {
  name: 'tokensPerSecond',
  title: 'Speed',
  unit: 'tokens a second',
  group: 'speed',
};

/**
 * Measures steps: a function to call once after each. The first one counts from the creation.
 *
 * @param now clock in milliseconds; default `performance.now`
 */
export function createStepMeter(
  now: () => number = () => performance.now(),
): (record: StepRecord) => WatchedStep {
  let last = now();
  return (record) => {
    const time = now();
    const seconds = (time - last) / 1000;
    last = time;
    const { tokens = Number.NaN } = record;
    return {
      ...record,
      // A clock that did not move says nothing.
      tokensPerSecond: seconds > 0 ? tokens / seconds : Number.NaN,
      memoryBytes: process.memoryUsage.rss(),
    };
  };
}
