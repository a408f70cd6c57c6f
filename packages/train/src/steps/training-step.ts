import {
  type AnyArray,
  compile,
  type DeviceName,
  disposeArrays,
  type ExecutableInfo,
  type Precision,
  place,
  scalar,
  zeros,
} from '@gram/engine';
import type { ModelConfig } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { elementAt, entryOf, recordOf } from '../checked.js';
import { type Communicator, singleProcess } from '../distributed/communicator.js';
import { clear, dataParallel, type OptimizerSharding } from '../distributed/data-parallel.js';
import type { BatchArrays, BatchShape, BatchTensors } from '../objectives/batch.js';
import type { Objective } from '../objectives/objective.js';
import type { Moments, NamedTensors, Optimizer, StepScalars } from '../optimizers/optimizer.js';
import { type TrainedPart, wholeModel } from '../parts/trained-part.js';

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

type Loss = (inputs: {
  weights: NamedTensors;
  frozen?: NamedTensors;
  noise?: NamedTensors;
  gradients: NamedTensors;
  batch: BatchTensors;
  lossScale?: tf.Scalar;
}) => {
  gradients: Record<string, tf.Tensor>;
  loss: tf.Tensor;
  metrics: Readonly<Record<string, tf.Tensor>>;
};

/**
 * Loss and gradients of an objective as a pure function of weights and batch. With a `lossScale`, a single number, the
 * gradients are those of the loss times it; the loss itself is not.
 *
 * @param part what `weights` are of the model. @default wholeModel
 */
export function lossAndGradients<Example>(
  config: ModelConfig,
  objective: Objective<Example>,
  part: TrainedPart = wholeModel,
): Loss {
  return ({ weights, frozen = {}, noise = {}, batch, lossScale }) => {
    const names = Object.keys(weights);
    let metrics: Readonly<Record<string, tf.Tensor>> = {};
    const { value, grads } = tf.valueAndGrads((...args: tf.Tensor[]) => {
      const named = Object.fromEntries(names.map((name, i) => [name, elementAt(args, i)]));
      const result = objective.loss(config, part.weights(named, frozen, noise), batch);
      metrics = result.metrics;
      return result.loss;
    })(
      names.map((name) => entryOf(weights, name)),
      lossScale,
    );
    return {
      gradients: Object.fromEntries(names.map((name, i) => [name, elementAt(grads, i)])),
      loss: value,
      metrics,
    };
  };
}

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
  /** With `zero1`, `moments` are those of this rank's share only. @default 'none' */
  readonly optimizerSharding?: OptimizerSharding;
}

/**
 * Compiles an objective and an optimizer into a step.
 *
 * Gradients and update are separate graphs: the update may then write weights in place, and
 * micro-batches add up in the gradient's own memory. Weights and moments that were placed on the
 * device stay there; only loss, metrics and the norm of the gradient come back. Of several ranks each computes
 * the gradients of its micro-batches; they are summed in host memory before the update.
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
  const all = { part, device, precision, gradientCheckpointing, communicator };
  const parallel = dataParallel(communicator, weights, optimizerSharding, device);
  const pass = createGradientPass(config, objective, weights, all);
  const updater = createUpdater(optimizer, weights, moments, device);
  return {
    async run(batches, { update: t, learningRate, maxGradientNorm, lossScale = 1 }) {
      const scale = precision === 'float16' ? lossScale : 1;
      const own = await pass.run(batches, t, lossScale);
      await parallel.sumGradients(own.gradients);
      const square = await updater.squaredNorm(pick(own.gradients, parallel.share));
      // One message for all numbers, and the same decision on all ranks.
      const sums = await parallel.sum([square, own.loss, ...own.metrics]);
      const [squares = Number.NaN, loss = Number.NaN, ...metrics] = sums;
      const gradientNorm = Math.sqrt(squares) / scale;
      const applied = Number.isFinite(loss) && Number.isFinite(gradientNorm);
      if (applied) {
        const clip = Math.min(1, maxGradientNorm / (gradientNorm + 1e-6)) / scale;
        await updater.update(own.gradients, parallel.updated, optimizer.scalars(t, learningRate, clip));
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

type PassOptions = Required<Omit<TrainingStepOptions, 'optimizerSharding'>>;

/** Compiles loss and gradients; the gradients of the micro-batches of a step add up in one place. */
function createGradientPass<Example>(
  config: ModelConfig,
  objective: Objective<Example>,
  weights: Readonly<Record<string, AnyArray<'float32'>>>,
  { part, device, precision, gradientCheckpointing, communicator }: PassOptions,
) {
  let placed: Promise<Readonly<Record<string, AnyArray<'float32'>>>> | undefined;
  const allGradients = () => {
    placed ??= place<Readonly<Record<string, AnyArray<'float32'>>>>(
      Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, zeros(shape)])),
      device,
    );
    return placed;
  };
  const fresh = lossAndGradients(config, objective, part);
  const accumulated: Loss = (inputs) => {
    const result = fresh(inputs);
    for (const [name, sum] of Object.entries(inputs.gradients)) {
      result.gradients[name] = tf.add(sum, entryOf(result.gradients, name));
    }
    return result;
  };
  const inPlace = ['gradients'] as const;
  const options = { device, precision, gradientCheckpointing, inPlace, maxExecutables: 24 };
  const first = compile(fresh, options);
  const further = compile(accumulated, options);
  return {
    compiled: [first, further],
    /** Sums loss, metrics and gradients over the micro-batches of this rank. */
    async run(batches: readonly BatchArrays[], update: number, lossScale: number) {
      const gradients = await allGradients();
      let loss = 0;
      const metrics = objective.metrics.map(() => 0);
      for (const [i, batch] of batches.entries()) {
        const rows = batch.tokens.data.length;
        const out = await (i === 0 ? first : further)({
          weights,
          frozen: part.frozen,
          // By its place in the whole step, which does not depend on the number of ranks.
          noise: part.noise(rows, update, communicator.rank + i * communicator.size),
          gradients,
          batch,
          // A graph of its own only where it is needed.
          ...(precision === 'float16' && { lossScale: scalar(lossScale) }),
        });
        loss += elementAt(out.loss.data, 0);
        for (const [m, name] of objective.metrics.entries()) {
          metrics[m] = elementAt(metrics, m) + elementAt(entryOf(out.metrics, name).data, 0);
        }
      }
      if (batches.length === 0) await clear(gradients, device);
      return { loss, metrics, gradients };
    },
    dispose() {
      placed?.then(disposeArrays, () => {});
    },
  };
}

/** Compiles the update of weights and moments, which happens in place, and the norm of gradients. */
function createUpdater(
  optimizer: Optimizer,
  weights: Readonly<Record<string, AnyArray<'float32'>>>,
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
    async squaredNorm(values: Readonly<Record<string, AnyArray<'float32'>>>): Promise<number> {
      if (Object.keys(values).length === 0) return 0;
      return elementAt((await norm({ values })).sum.data, 0);
    },
    /** Updates the weights of the given names. */
    async update(
      gradients: Readonly<Record<string, AnyArray<'float32'>>>,
      names: readonly string[],
      scalars: StepScalars<number>,
    ): Promise<void> {
      if (names.length === 0) return;
      const step = Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, scalar(value)]));
      await update({ weights: pick(weights, names), moments, gradients: pick(gradients, names), step });
    },
  };
}

function pick<T>(named: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, entryOf(named, name)]));
}
