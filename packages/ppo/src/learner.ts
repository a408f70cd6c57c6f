import type { ModelConfig } from '@gram/model';
import { adamW, createTrainingStep, microBatches, type Objective } from '@gram/train';
import { PpoError } from './error.js';
import type { LearnerState } from './state.js';

/** What one gradient step reports. */
export interface LearnerResult {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** False when loss or gradient was not finite: nothing was changed. */
  readonly applied: boolean;
}

/** A model that takes gradient steps. */
export interface Learner<Example> {
  learn(examples: readonly Example[]): Promise<LearnerResult>;
  dispose(): void;
}

/** Gradient steps in a row that may be left out before the run is given up. */
const maxSkipped = 5;

/** Makes a learner whose weights, moments and count of updates are those of `state`, changed in place. */
export function createLearner<Example>(
  name: string,
  config: ModelConfig,
  objective: Objective<Example>,
  state: LearnerState,
  options: {
    readonly learningRate: number;
    readonly microBatchSize: number;
    readonly maxGradientNorm: number;
  },
): Learner<Example> {
  const { learningRate, microBatchSize, maxGradientNorm } = options;
  const step = createTrainingStep(config, objective, adamW(), state.weights, state.moments);
  let skipped = 0;
  return {
    async learn(examples) {
      const batches = microBatches(objective, examples, microBatchSize);
      const result = await step.run(batches, { update: state.updates + 1, learningRate, maxGradientNorm });
      if (result.applied) state.updates++;
      skipped = result.applied ? 0 : skipped + 1;
      if (skipped >= maxSkipped) {
        throw new PpoError(
          'diverged',
          `loss or gradient of the ${name} was not finite in ${maxSkipped} gradient steps in a row`,
          'lower its learning rate; the last checkpoint is intact',
        );
      }
      return result;
    },
    dispose: () => step.dispose(),
  };
}
