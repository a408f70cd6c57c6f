/** Means over held-out examples. */
export interface ValidationResult {
  readonly loss: number;
  /** Share of the pairs that were ordered correctly, where the objective orders pairs. */
  readonly accuracy?: number;
}

/** One optimizer step, as it is logged. */
export interface StepRecord {
  /** Number of the step, from 1. */
  readonly step: number;
  readonly loss: number;
  /** Share of the pairs of the step that were ordered correctly, where the objective orders pairs. */
  readonly accuracy?: number;
  /** Global norm of the gradient, before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Tokens of the step, padding left out. */
  readonly tokens: number;
  /** Held-out numbers, where held-out examples were measured after this step. */
  readonly validation?: ValidationResult;
}
