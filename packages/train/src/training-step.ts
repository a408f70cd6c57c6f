import {
  type AnyArray,
  compile,
  type DeviceName,
  type ExecutableInfo,
  type NDArray,
  place,
  scalar,
  zeros,
} from '@gram/engine';
import type { ModelConfig } from '@gram/model';
import * as tf from '@tensorflow/tfjs';
import type { Batch, Objective } from './objectives/objective.js';
import type { Moments, NamedTensors, Optimizer, StepScalars } from './optimizers/optimizer.js';
import { type TrainedPart, wholeModel } from './trained-part.js';

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
}

/** A training step with its weights, gradients and moments, all updated in place. */
export interface TrainingStep {
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
}) => {
  gradients: Record<string, tf.Tensor>;
  loss: tf.Tensor;
  metrics: Readonly<Record<string, tf.Tensor>>;
};

/**
 * Loss and gradients of an objective as a pure function of weights and batch.
 *
 * @param part what `weights` are of the model. @default wholeModel
 */
export function lossAndGradients<Example>(
  config: ModelConfig,
  objective: Objective<Example>,
  part: TrainedPart = wholeModel,
): Loss {
  return ({ weights, frozen = {}, noise = {}, batch }) => {
    const names = Object.keys(weights);
    let metrics: Readonly<Record<string, tf.Tensor>> = {};
    const { value, grads } = tf.valueAndGrads((...args: tf.Tensor[]) => {
      const named = Object.fromEntries(names.map((name, i) => [name, args[i]!]));
      const result = objective.loss(config, part.weights(named, frozen, noise), batch);
      metrics = result.metrics ?? {};
      return result.loss;
    })(names.map((name) => weights[name]!));
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
}

/**
 * Compiles an objective and an optimizer into a step.
 *
 * Gradients and update are separate graphs: the update may then write weights in place, and
 * micro-batches add up in the gradient's own memory. Weights and moments that were placed on the
 * device stay there; only loss, metrics and the norm of the gradient come back.
 *
 * @param weights in host memory or on the device, updated in place, as `moments`
 */
export function createTrainingStep<Example>(
  config: ModelConfig,
  objective: Objective<Example>,
  optimizer: Optimizer,
  weights: Readonly<Record<string, AnyArray<'float32'>>>,
  moments: Moments<AnyArray<'float32'>>,
  { part = wholeModel, device = 'cpu' }: TrainingStepOptions = {},
): TrainingStep {
  let placed: Promise<Readonly<Record<string, AnyArray>>> | undefined;
  const allGradients = () => {
    placed ??= place(
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
  const first = compile(fresh, { device, inPlace: ['gradients'], maxExecutables: 24 });
  const further = compile(accumulated, { device, inPlace: ['gradients'], maxExecutables: 24 });
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
    async run(batches, { update: t, learningRate, maxGradientNorm }) {
      const gradients = await allGradients();
      let loss = 0;
      const metrics = Object.fromEntries(objective.metrics.map((name) => [name, 0]));
      for (const [i, batch] of batches.entries()) {
        const out = await (i === 0 ? first : further)({
          weights,
          frozen: part.frozen,
          noise: part.noise(batch.tokens?.data.length ?? 0, t, i),
          gradients,
          batch,
        });
        loss += out.loss.data[0]!;
        for (const name of objective.metrics) metrics[name]! += out.metrics[name]!.data[0]!;
      }
      const { sum } = await squaredNorm({ values: gradients });
      const gradientNorm = Math.sqrt(sum.data[0]!);
      const applied = Number.isFinite(loss) && Number.isFinite(gradientNorm);
      if (applied) {
        const clip = Math.min(1, maxGradientNorm / (gradientNorm + 1e-6));
        const step = Object.fromEntries(
          Object.entries(optimizer.scalars(t, learningRate, clip)).map(([name, value]) => [
            name,
            scalar(value),
          ]),
        );
        await update({ weights, moments, gradients, step });
      }
      return { loss, metrics, gradientNorm, applied };
    },
    get executables() {
      return [first, further, squaredNorm, update].flatMap(({ executables }) => executables);
    },
    dispose() {
      for (const compiled of [first, further, squaredNorm, update]) compiled.dispose();
    },
  };
}
