import { paceDefaults, type ScheduleName } from './pace.js';

/** Learning rate over a run. */
export interface Schedule {
  /** @default 'cosine' */
  readonly schedule?: ScheduleName;
  /** Highest learning rate, reached at the end of the warm-up. */
  readonly learningRate: number;
  /** Share of the steps that warm up linearly, the first of n steps with 1/n of the rate. @default 0.1 */
  readonly warmupRatio?: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
}

/** Share of the highest rate that is left, by the share of the steps after the warm-up that are done. */
const decays: Record<ScheduleName, (progress: number) => number> = {
  cosine: (progress) => 0.5 * (1 + Math.cos(Math.PI * progress)),
  linear: (progress) => 1 - progress,
  constant: () => 1,
};

/**
 * The learning rate of one update: a linear warm-up, then a decay as that of transformers' `get_cosine_schedule_with_warmup`,
 * `get_linear_schedule_with_warmup` and `get_constant_schedule_with_warmup`. Their warm-up of n steps begins at 0, so that
 * their first step learns nothing; this one begins at 1/n of the rate, and step s of it has the rate of their step s + 1.
 *
 * @param step number of updates done before this one, from 0
 */
export function learningRateAt(
  {
    schedule = paceDefaults.schedule,
    learningRate,
    warmupRatio = paceDefaults.warmupRatio,
    totalSteps,
  }: Schedule,
  step: number,
): number {
  const warmup = Math.ceil(warmupRatio * totalSteps);
  if (step < warmup) return (learningRate * (step + 1)) / warmup;
  const progress = (step - warmup) / Math.max(1, totalSteps - warmup);
  return learningRate * Math.max(0, decays[schedule](progress));
}
