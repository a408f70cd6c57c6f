import type { Weights } from '@gram/model';
import type { ScoreQueue } from '../rewards/score-queue.js';
import type { LearnerState } from './learner.js';
import type { PpoEvaluation, PpoStepRecord, StopReason } from './run.js';

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

/** Returns the number of steps done when the best policy was scored. */
export function bestStep(evaluations: readonly PpoEvaluation[]): number {
  return evaluations.findLast(({ best }) => best)?.step ?? 0;
}
