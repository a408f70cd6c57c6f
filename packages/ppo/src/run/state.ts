import type { Weights } from '@gram/model';
import { bestStep, type StepRecord } from '@gram/run';
import type { LearnerState } from '../learning/learner.js';
import type { PpoOptions } from '../options.js';
import type { ScoreQueue } from '../rewards/score-queue.js';
import type { Sample } from '../samples/samples.js';
import { planStep } from '../steps/schedule.js';
import { ppoMetrics, recordsOf } from './records.js';
import type { PpoEvaluation, PpoStepRecord, StopReason } from './run.js';

/** Everything that a run needs to go on. Prompts and random numbers follow from seed and step. */
export interface PpoState {
  /** Steps done. */
  step: number;
  readonly policy: LearnerState;
  readonly value?: LearnerState;
  queue: ScoreQueue;
  /** Weight of the KL; it changes where the run adapts it. */
  klWeight: number;
  /** Whether there are validation prompts. */
  readonly isValidated: boolean;
  readonly steps: PpoStepRecord[];
  readonly evaluations: PpoEvaluation[];
  /** The records that were logged: those of the steps, each with its evaluation. */
  readonly history: StepRecord[];
  /** A few responses of the last step that was done, for people to read. */
  samples: readonly Sample[];
  best: { step: number; weights: Weights };
  stopped?: StopReason | undefined;
}

/** Gives the number that decides which policy is the best: the held-out reward where there is one. */
export function worthOf({ heldOut, reward }: Pick<PpoEvaluation, 'heldOut' | 'reward'>): number {
  return heldOut ?? reward;
}

/** Whether the policy is to be scored now: before the first step, where it is due, and at the end. */
export function isEvaluationDue(state: PpoState, options: PpoOptions): boolean {
  if (!state.isValidated) return false;
  if (state.evaluations.at(-1)?.step === state.step) return false;
  return (
    state.step === 0 || planStep(options, state.step).evaluate || ownStopReason(state, options) !== undefined
  );
}

/** Why the run ends after the steps and evaluations that were done, or undefined. */
export function stopReason(state: PpoState, options: PpoOptions): StopReason | undefined {
  return ownStopReason(state, options) ?? (patienceEnds(state, options) ? 'patience' : undefined);
}

function ownStopReason({ step, steps }: PpoState, options: PpoOptions): StopReason | undefined {
  const { stop } = options.kl;
  const kl = steps.at(-1)?.kl;
  if (stop !== undefined && kl !== undefined && kl > stop) return 'kl';
  return step >= options.steps ? 'steps' : undefined;
}

function patienceEnds({ steps, evaluations }: PpoState, { patience }: PpoOptions): boolean {
  if (patience === undefined) return false;
  const best = bestStep(recordsOf({ steps, evaluations }), ppoMetrics) ?? 0;
  return evaluations.filter(({ step }) => step > best).length >= patience;
}
