import type { NDArray } from '@gram/engine';
import type { Weights } from '@gram/model';
import type { Moments } from '@gram/train';
import type { PpoEvaluation, PpoStepRecord, StopReason } from './run.js';
import type { ScoreQueue } from './score-queue.js';

/** A model in training and its optimizer. */
export interface LearnerState {
  readonly weights: Weights;
  readonly moments: Moments<NDArray<'float32'>>;
  /** Optimizer updates done; Adam's bias correction counts them. */
  updates: number;
}

/** Everything that a run needs to go on. Prompts and random numbers follow from seed and step. */
export interface PpoState {
  /** Steps done. */
  step: number;
  readonly policy: LearnerState;
  readonly value?: LearnerState;
  queue: ScoreQueue;
  readonly steps: PpoStepRecord[];
  readonly evaluations: PpoEvaluation[];
  best: { step: number; weights: Weights };
  stopped?: StopReason;
}

/** Steps done when the best policy was scored. */
export function bestStep(evaluations: readonly PpoEvaluation[]): number {
  return evaluations.findLast(({ best }) => best)?.step ?? 0;
}
