/** Learning rate over a run. */
export interface Schedule {
  /** Highest learning rate, reached at the end of the warm-up. */
  readonly learningRate: number;
  /** Share of the steps that warm up linearly from 0. @default 0.1 */
  readonly warmupRatio?: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
}

/**
 * Cosine decay to zero after a linear warm-up, as transformers' `get_cosine_schedule_with_warmup`.
 *
 * @param step number of updates done before this one, from 0
 */
export function cosineWithWarmup(
  { learningRate, warmupRatio = 0.1, totalSteps }: Schedule,
  step: number,
): number {
  const warmup = Math.ceil(warmupRatio * totalSteps);
  if (step < warmup) return (learningRate * step) / Math.max(1, warmup);
  const progress = (step - warmup) / Math.max(1, totalSteps - warmup);
  return learningRate * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
}
