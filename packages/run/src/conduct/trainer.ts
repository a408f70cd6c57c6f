import type { Section } from '@gram/report';
import type { RunMetrics } from '../metrics.js';
import type { StepRecord } from '../record.js';

/** State of a trainer after a step, as far as a run reads it. */
export interface RunState {
  /** Steps done. */
  readonly step: number;
  /** Records of all steps of the run. */
  readonly history: readonly StepRecord[];
}

/** Interface of a run to its trainer while that works. */
export interface RunHooks<State extends RunState> {
  readonly signal?: AbortSignal;
  /** Whether the state is read after a step. */
  needsState(step: number): boolean;
  /** Is called after each step, and after an evaluation before the first one. */
  onStep(record: StepRecord, state: State, total: number): Promise<void>;
}

/** A trainer as a run drives it: it hands over records and knows how to save and restore its state. */
export interface RunTrainer<State extends RunState> {
  /** Curves and evaluations of its records. */
  readonly metrics: RunMetrics;
  /** Steps of the whole run, and how many of them were done before. */
  readonly totalSteps: number;
  readonly doneSteps: number;
  /** Records of the steps that were done before. */
  readonly history: readonly StepRecord[];
  /** Gives what the page shows below the curves, as it is at the moment. @default nothing */
  sections?(): readonly Section[];
  /** Trains to the end. */
  run(hooks: RunHooks<State>): Promise<State>;
  /** Writes a checkpoint, by `writeCheckpoint`. */
  save(path: string, state: State): Promise<void>;
  /** Puts the weights of a checkpoint in the place of the present ones. */
  restore(path: string): Promise<void>;
}
