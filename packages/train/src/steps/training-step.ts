import {
  type AnyArray,
  compile,
  type DeviceName,
  type ExecutableInfo,
  type Precision,
  scalar,
} from '@gram/engine';
import type { ModelConfig } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { elementAt, recordOf } from '../checked.js';
import { type Communicator, singleProcess } from '../distributed/communicator.js';
import { dataParallel, type OptimizerSharding } from '../distributed/data-parallel.js';
import type { BatchArrays, BatchShape } from '../objectives/batch.js';
import type { Objective } from '../objectives/objective.js';
import type { Moments, NamedTensors, Optimizer, StepScalars } from '../optimizers/optimizer.js';
import { type TrainedPart, wholeModel } from '../parts/trained-part.js';
import { createGradientPass } from './gradient-pass.js';

/** Result of one optimizer step. */
export interface StepResult<Metric extends string = string> {
  readonly loss: number;
  /** The objective's metrics, by name. */
  readonly metrics: Readonly<Record<Metric, number>>;
  readonly gradientNorm: number;
  /** False when loss or gradient was not finite: nothing was changed. */
  readonly applied: boolean;
}

/** Numbers of one optimizer step. */
export interface StepOptions {
  /** Number of the update, from 1. */
  readonly update: number;
  readonly learningRate: number;
  /** Largest global norm of the gradient. */
  readonly maxGradientNorm: number;
  /** Factor on the loss before it is differentiated; the gradients are divided by it. @default 1 */
  readonly lossScale?: number;
}

/** A training step with its weights, gradients and moments, all updated in place. */
export interface TrainingStep<Metric extends string = string> {
  /**
   * Takes a step.
   *
   * @param batches the micro-batches; of several ranks each has those that `microBatches` gives it, which may be none
   */
  run(batches: readonly BatchArrays[], options: StepOptions): Promise<StepResult<Metric>>;
  /** Graphs that were compiled so far. */
  readonly executables: readonly ExecutableInfo[];
  dispose(): void;
}

type Named = Readonly<Record<string, AnyArray<'float32'>>>;

/** Options of `createTrainingStep`. */
export interface TrainingStepOptions {
  /** The part of the model that `weights` are. @default wholeModel */
  readonly part?: TrainedPart;
  /** Device of the computation. @default 'cpu' */
  readonly device?: DeviceName | 'auto';
  /** Element type of matrix products; `float16` requires a `lossScale`. All else is float32. @default 'float32' */
  readonly precision?: Precision;
  /** Keeps the inputs of each layer only, and computes the layer again for its gradient. @default false */
  readonly gradientCheckpointing?: boolean;
  /** Ranks that take the step together; all begin with the same weights, and end with the same. @default singleProcess */
  readonly communicator?: Communicator;
  /** With `zero1` and `zero2`, `moments` are those of this rank's share only, see `sharesOf`. @default 'none' */
  readonly optimizerSharding?: OptimizerSharding;
}

/**
 * Compiles an objective and an optimizer into a step.
 *
 * Gradients and update are separate graphs: the update may then write weights in place, and
 * micro-batches add up in the gradient's own memory. Weights and moments that were placed on the
 * device stay there; only loss, metrics and the norm of the gradient come back. Of several ranks each computes
 * the gradients of its micro-batches; they are summed before the update, with `zero2` after each micro-batch.
 *
 * @param weights in host memory or on the device, updated in place, as `moments`
 */
export function createTrainingStep<Example, Metric extends string>(
  config: ModelConfig,
  objective: Objective<Example, BatchShape, Metric>,
  optimizer: Optimizer,
  weights: Readonly<Record<string, AnyArray<'float32'>>>,
  moments: Moments<AnyArray<'float32'>>,
  {
    part = wholeModel,
    device = 'cpu',
    precision = 'float32',
    gradientCheckpointing = false,
    communicator = singleProcess,
    optimizerSharding = 'none',
  }: TrainingStepOptions = {},
): TrainingStep<Metric> {
  const parallel = dataParallel(communicator, weights, { optimizer, sharding: optimizerSharding, device });
  const sumsEach = optimizerSharding === 'zero2' && parallel.shares !== undefined;
  const pass = createGradientPass(config, objective, weights, {
    ...{ part, device, precision, gradientCheckpointing, communicator, parallel, sumsEach },
  });
  const updater = createUpdater(optimizer, parallel.updated(weights), moments, device);
  return {
    async run(batches, { update: t, learningRate, maxGradientNorm, lossScale = 1 }) {
      const scale = precision === 'float16' ? lossScale : 1;
      const own = await pass.run(batches, t, lossScale);
      const square = await updater.squaredNorm(own.share);
      // One message for all numbers, and the same decision on all ranks.
      const sums = await parallel.sum([square, own.loss, ...own.metrics]);
      const [squares = Number.NaN, loss = Number.NaN, ...metrics] = sums;
      const gradientNorm = Math.sqrt(squares) / scale;
      const applied = Number.isFinite(loss) && Number.isFinite(gradientNorm);
      if (applied) {
        const clip = Math.min(1, maxGradientNorm / (gradientNorm + 1e-6)) / scale;
        await updater.update(own.updated, optimizer.scalars(t, learningRate, clip));
        await parallel.exchangeWeights(weights);
      }
      const named = recordOf(objective.metrics, (_, i) => elementAt(metrics, i));
      return { loss, metrics: named, gradientNorm, applied };
    },
    get executables() {
      return [...pass.compiled, ...updater.compiled].flatMap(({ executables }) => executables);
    },
    dispose() {
      for (const compiled of [...pass.compiled, ...updater.compiled]) compiled.dispose();
      pass.dispose();
    },
  };
}

/** Compiles the update of weights and moments, which happens in place, and the norm of gradients. */
function createUpdater(
  optimizer: Optimizer,
  weights: Named,
  moments: Moments<AnyArray<'float32'>>,
  device: DeviceName | 'auto',
) {
  const norm = compile(
    ({ values }: { values: NamedTensors }) => ({
      sum: tf.addN(Object.values(values).map((g) => tf.sum(tf.square(g)))),
    }),
    { device },
  );
  const update = compile(
    (inputs: {
      weights: NamedTensors;
      moments: Moments<tf.Tensor>;
      gradients: NamedTensors;
      step: StepScalars<tf.Tensor>;
    }) => optimizer.update(inputs.weights, inputs.moments, inputs.gradients, inputs.step),
    { device, inPlace: ['weights', 'moments'] },
  );
  return {
    compiled: [norm, update],
    async squaredNorm(values: Named): Promise<number> {
      if (Object.keys(values).length === 0) return 0;
      return elementAt((await norm({ values })).sum.data, 0);
    },
    async update(gradients: Named, scalars: StepScalars<number>): Promise<void> {
      if (Object.keys(weights).length === 0) return;
      const step = Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, scalar(value)]));
      await update({ weights, moments, gradients, step });
    },
  };
}
