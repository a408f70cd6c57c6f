import type { Weights } from '@gram/model';
import { bestRecord } from '@gram/run';
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

/** Gives the number that decides which policy is the best: the held-out reward where there is one. */
export function worthOf({ heldOut, reward }: Pick<PpoEvaluation, 'heldOut' | 'reward'>): number {
  return heldOut ?? reward;
}

/** Gives the number of steps done when the best policy was scored. */
export function bestStep(evaluations: readonly PpoEvaluation[]): number {
  return bestRecord(evaluations, (evaluation) => -worthOf(evaluation))?.step ?? 0;
}
