import {
  type AnyArray,
  compile,
  type DeviceName,
  disposeArrays,
  type ExecutableInfo,
  type NDArray,
  type Precision,
  place,
  scalar,
  zeros,
} from '@gram/engine';
import type { ModelConfig } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { type Communicator, singleProcess } from '../distributed/communicator.js';
import { clear, dataParallel, type OptimizerSharding } from '../distributed/data-parallel.js';
import type { Batch, Objective } from '../objectives/objective.js';
import type { Moments, NamedTensors, Optimizer, StepScalars } from '../optimizers/optimizer.js';
import { type TrainedPart, wholeModel } from '../parts/trained-part.js';

/** What one optimizer step reports. */
export interface StepResult {
  readonly loss: number;
  /** The objective's metrics, by name. */
  readonly metrics: Readonly<Record<string, number>>;
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
  /** What the loss is multiplied by before it is differentiated, and the gradients divided by after it. @default 1 */
  readonly lossScale?: number;
}

/** A training step with its weights, gradients and moments, all updated in place. */
export interface TrainingStep {
  /**
   * Takes a step.
   *
   * @param batches the micro-batches; of several ranks each has those that `microBatches` gives it, which may be none
   */
  run(batches: readonly Batch<NDArray>[], options: StepOptions): Promise<StepResult>;
  /** What was compiled so far. */
  readonly executables: readonly ExecutableInfo[];
  dispose(): void;
}

type Loss = (inputs: {
  weights: NamedTensors;
  frozen?: NamedTensors;
  noise?: NamedTensors;
  gradients: NamedTensors;
  batch: Batch<tf.Tensor>;
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
      const named = Object.fromEntries(names.map((name, i) => [name, args[i]!]));
      const result = objective.loss(config, part.weights(named, frozen, noise), batch);
      metrics = result.metrics ?? {};
      return result.loss;
    })(
      names.map((name) => weights[name]!),
      lossScale,
    );
    return {
      gradients: Object.fromEntries(names.map((name, i) => [name, grads[i]!])),
      loss: value,
      metrics,
    };
  };
}

/** Options of `createTrainingStep`. */
export interface TrainingStepOptions {
  /** What `weights` are of the model. @default wholeModel */
  readonly part?: TrainedPart;
  /** Where to compute. @default 'cpu' */
  readonly device?: DeviceName | 'auto';
  /** Of matrix products; `float16` wants a `lossScale`. Weights, gradients and moments are float32. @default 'float32' */
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
export function createTrainingStep<Example>(
  config: ModelConfig,
  objective: Objective<Example>,
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
): TrainingStep {
  const parallel = dataParallel(communicator, weights, optimizerSharding, device);
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
      result.gradients[name] = tf.add(sum, result.gradients[name]!);
    }
    return result;
  };
  const inPlace = ['gradients'] as const;
  const options = { device, precision, gradientCheckpointing, inPlace, maxExecutables: 24 };
  const first = compile(fresh, options);
  const further = compile(accumulated, options);
  const squaredNorm = compile(
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
    async run(batches, { update: t, learningRate, maxGradientNorm, lossScale = 1 }) {
      const scale = precision === 'float16' ? lossScale : 1;
      const gradients = await allGradients();
      let ownLoss = 0;
      const own = Object.fromEntries(objective.metrics.map((name) => [name, 0]));
      for (const [i, batch] of batches.entries()) {
        const out = await (i === 0 ? first : further)({
          weights,
          frozen: part.frozen,
          // By its place in the whole step, which does not depend on the number of ranks.
          noise: part.noise(batch.tokens?.data.length ?? 0, t, communicator.rank + i * communicator.size),
          gradients,
          batch,
          // A graph of its own only where it is needed.
          ...(precision === 'float16' && { lossScale: scalar(lossScale) }),
        });
        ownLoss += out.loss.data[0]!;
        for (const name of objective.metrics) own[name]! += out.metrics[name]!.data[0]!;
      }
      if (batches.length === 0) await clear(gradients, device);
      await parallel.sumGradients(gradients);
      const square =
        parallel.share.length === 0
          ? 0
          : (await squaredNorm({ values: pick(gradients, parallel.share) })).sum.data[0]!;
      // One message for all numbers, and the same decision on all ranks.
      const [squares, loss, ...sums] = await parallel.sum([square, ownLoss, ...Object.values(own)]);
      const gradientNorm = Math.sqrt(squares!) / scale;
      const applied = Number.isFinite(loss) && Number.isFinite(gradientNorm);
      if (applied) {
        const clip = Math.min(1, maxGradientNorm / (gradientNorm + 1e-6)) / scale;
        const step = Object.fromEntries(
          Object.entries(optimizer.scalars(t, learningRate, clip)).map(([name, value]) => [
            name,
            scalar(value),
          ]),
        );
        const { updated } = parallel;
        if (updated.length > 0) {
          await update({
            weights: pick(weights, updated),
            moments,
            gradients: pick(gradients, updated),
            step,
          });
        }
        await parallel.exchangeWeights(weights);
      }
      const metrics = Object.fromEntries(Object.keys(own).map((name, i) => [name, sums[i]!]));
      return { loss: loss!, metrics, gradientNorm, applied };
    },
    get executables() {
      return [first, further, squaredNorm, update].flatMap(({ executables }) => executables);
    },
    dispose() {
      for (const compiled of [first, further, squaredNorm, update]) compiled.dispose();
      placed?.then(disposeArrays, () => {});
    },
  };
}

function pick<T>(named: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, named[name]!]));
}
