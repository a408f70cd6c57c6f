import { paceDefaults, type ScheduleName } from './pace.js';

/** Learning rate over a run. */
export interface Schedule {
  /** @default 'cosine' */
  readonly schedule?: ScheduleName;
  /** Highest learning rate, reached at the end of the warm-up. */
  readonly learningRate: number;
  /** Share of the steps that warm up linearly from 0. @default 0.1 */
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
 * The learning rate of one update: a linear warm-up from 0, then a decay, as transformers'
 * `get_cosine_schedule_with_warmup`, `get_linear_schedule_with_warmup` and `get_constant_schedule_with_warmup`.
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
  if (step < warmup) return (learningRate * step) / Math.max(1, warmup);
  const progress = (step - warmup) / Math.max(1, totalSteps - warmup);
  return learningRate * Math.max(0, decays[schedule](progress));
}
