import type { NDArray } from '@gram/engine';
import type { ModelConfig, Weights } from '@gram/model';
import {
  type BatchShape,
  createTrainingStep,
  initMoments,
  type Moments,
  microBatches,
  type Objective,
  type Optimizer,
} from '@gram/train';
import { PpoError } from '../error.js';

/** A model in training and what its optimizer remembers. */
export interface LearnerState {
  readonly weights: Weights;
  readonly moments: Moments<NDArray<'float32'>>;
  /** Optimizer updates done; Adam's bias correction counts them. */
  updates: number;
}

/** Result of one gradient step. */
export interface LearnerResult<Metric extends string = string> {
  readonly loss: number;
  readonly metrics: Readonly<Record<Metric, number>>;
  /** False when loss or gradient was not finite: nothing was changed. */
  readonly applied: boolean;
}

/** A model that takes gradient steps. */
export interface Learner<Example, Metric extends string> {
  learn(examples: readonly Example[], learningRate: number): Promise<LearnerResult<Metric>>;
  dispose(): void;
}

/** Objective and settings of a learner. */
export interface LearnerOptions<Example, Metric extends string> {
  /** Names the model in errors. */
  readonly name: string;
  readonly config: ModelConfig;
  readonly objective: Objective<Example, BatchShape, Metric>;
  readonly optimizer: Optimizer;
  readonly microBatchSize: number;
  readonly maxGradientNorm: number;
}

/** Gradient steps in a row that may be skipped before the run is given up. */
const MAX_SKIPPED = 5;

/** Gives the state of a model before its first gradient step. */
export function initialLearnerState(weights: Weights, optimizer: Optimizer): LearnerState {
  return { weights, moments: initMoments(optimizer, weights), updates: 0 };
}

/** Makes a learner that changes the weights, moments and count of updates of `state` in place. */
export function createLearner<Example, Metric extends string>(
  state: LearnerState,
  options: LearnerOptions<Example, Metric>,
): Learner<Example, Metric> {
  const { name, config, objective, optimizer, microBatchSize, maxGradientNorm } = options;
  const step = createTrainingStep(config, objective, optimizer, state.weights, state.moments);
  let skipped = 0;
  return {
    async learn(examples, learningRate) {
      const batches = microBatches(objective, examples, microBatchSize);
      const result = await step.run(batches, { update: state.updates + 1, learningRate, maxGradientNorm });
      if (result.applied) state.updates++;
      skipped = result.applied ? 0 : skipped + 1;
      if (skipped >= MAX_SKIPPED) {
        throw new PpoError(
          'diverged',
          `loss or gradient of the ${name} was not finite in ${MAX_SKIPPED} gradient steps in a row`,
          'lower its learning rate',
        );
      }
      return result;
    },
    dispose: () => step.dispose(),
  };
}
