import type { DeviceName, NDArray, Precision } from '@gram/engine';
import type { ModelConfig, PlacedWeights, Weights } from '@gram/model';
import {
  type BatchShape,
  type Communicator,
  createTrainingStep,
  initMoments,
  joinRun,
  type Moments,
  microBatches,
  type Objective,
  type Optimizer,
  type TrainedPart,
} from '@gram/train';
import { PpoError } from '../error.js';

/** The arrays of a model that are trained and what its optimizer remembers. */
export interface LearnerState {
  readonly weights: Weights;
  moments: Moments<NDArray<'float32'>>;
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
  /** The weights where the device keeps them. Each gradient step changes them. */
  readonly weights: PlacedWeights;
  learn(examples: readonly Example[], learningRate: number): Promise<LearnerResult<Metric>>;
  /** Brings weights and moments to the host memory of the state. All ranks call it together. */
  collect(): Promise<void>;
  dispose(): void;
}

/** Objective and settings of a learner. */
export interface LearnerOptions<Example, Metric extends string> {
  /** Names the model in errors. */
  readonly name: string;
  readonly config: ModelConfig;
  /** The place of the trained arrays in the model. */
  readonly part: TrainedPart;
  readonly objective: Objective<Example, BatchShape, Metric>;
  readonly optimizer: Optimizer;
  readonly microBatchSize: number;
  readonly maxGradientNorm: number;
  readonly device: DeviceName | 'auto';
  readonly precision: Precision;
  /** Ranks that take the gradient steps together. All begin with the state of the first one. */
  readonly communicator: Communicator;
}

/** Gradient steps in a row that may be skipped before the run is given up. */
const MAX_SKIPPED = 5;

/** Gives the state of trained arrays before its first gradient step. */
export function initialLearnerState(weights: Weights, optimizer: Optimizer): LearnerState {
  return { weights, moments: initMoments(optimizer, weights), updates: 0 };
}

/** Opens a learner. It changes the count of updates of `state` at each step, and its weights and moments when they are collected. */
export async function openLearner<Example, Metric extends string>(
  state: LearnerState,
  options: LearnerOptions<Example, Metric>,
): Promise<Learner<Example, Metric>> {
  const { name, config, part, objective, optimizer, maxGradientNorm } = options;
  const { device, precision, communicator } = options;
  const shared = await joinRun({
    ...{ part, optimizer, device, communicator, sharding: 'none' },
    ...{ weights: state.weights, resumed: true, resume: { moments: state.moments } },
  });
  // Several ranks have memory of their own for what the first one gave them.
  state.moments = shared.collected;
  const step = createTrainingStep(config, objective, optimizer, shared.weights, shared.moments, {
    ...{ part: shared.part, device, precision, communicator },
  });
  let skipped = 0;
  return {
    weights: shared.weights,
    collect: () => shared.collect(),
    async learn(examples, learningRate) {
      // Every rank gets some.
      const evenShare = Math.ceil(examples.length / communicator.size);
      const size = Math.min(options.microBatchSize, evenShare);
      const batches = microBatches(objective, examples, size, communicator);
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
    dispose() {
      step.dispose();
      shared.dispose();
    },
  };
}
