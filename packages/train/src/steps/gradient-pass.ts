import {
  type AnyArray,
  compile,
  type DeviceName,
  disposeArrays,
  type Precision,
  place,
  scalar,
  zeros,
} from '@gram/engine';
import type { ModelConfig } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { elementAt, entryOf } from '../checked.js';
import type { Communicator } from '../distributed/communicator.js';
import { clear, type DataParallel } from '../distributed/data-parallel.js';
import type { BatchArrays, BatchTensors } from '../objectives/batch.js';
import type { Objective } from '../objectives/objective.js';
import type { NamedTensors } from '../optimizers/optimizer.js';
import { type TrainedPart, wholeModel } from '../parts/trained-part.js';

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

type Named = Readonly<Record<string, AnyArray<'float32'>>>;

/** The parts of a pass. */
interface PassOptions {
  readonly part: TrainedPart;
  readonly device: DeviceName | 'auto';
  readonly precision: Precision;
  readonly gradientCheckpointing: boolean;
  readonly communicator: Communicator;
  readonly parallel: DataParallel;
  /** Sums over the ranks after each micro-batch, and keeps the sums of this rank's share only. */
  readonly sumsEach: boolean;
}

/** Loss, metrics and gradients of the micro-batches of this rank; the gradients are sums over all ranks. */
interface Pass {
  readonly loss: number;
  readonly metrics: readonly number[];
  /** The weights that this rank updates. */
  readonly updated: Named;
  /** Whose norm this rank computes. */
  readonly share: Named;
}

/** Gradients in memory that is used again at each step. */
interface GradientMemory extends Pick<Pass, 'updated' | 'share'> {
  /** All gradients of this rank, of one micro-batch or of several. */
  readonly whole: Named;
  /** The slices of `whole` that this rank updates. */
  readonly slices: Named;
}

/** Compiles loss and gradients; the gradients of the micro-batches of a step add up in one place. */
export function createGradientPass<Example>(
  config: ModelConfig,
  objective: Objective<Example>,
  weights: Named,
  options: PassOptions,
) {
  const { device, parallel, sumsEach } = options;
  const { first, further } = compileGradients(config, objective, options);
  const accumulate = createAccumulator(device);
  let memory: Promise<GradientMemory> | undefined;

  const addMicroBatch = createMicroBatches(objective, weights, { first, further }, options);
  return {
    get compiled() {
      return [first, further, ...accumulate.compiled];
    },
    async run(batches: readonly BatchArrays[], update: number, lossScale: number): Promise<Pass> {
      memory ??= gradientMemory(weights, options);
      const { whole, slices, updated, share } = await memory;
      let sums = [0, ...objective.metrics.map(() => 0)];
      // All ranks sum together, also those that have fewer micro-batches.
      const rounds = sumsEach ? await parallel.largest(batches.length) : batches.length;
      for (let index = 0; index < rounds; index++) {
        const batch = batches[index];
        const adds = index > 0 && !sumsEach;
        if (batch === undefined) await clear(whole);
        else {
          const single = await addMicroBatch(whole, batch, { index, adds, update, lossScale });
          sums = sums.map((sum, i) => sum + elementAt(single, i));
        }
        if (!sumsEach) continue;
        await parallel.sumGradients(whole);
        await accumulate.add(updated, slices, index > 0);
      }
      if (!sumsEach) {
        if (rounds === 0) await clear(whole);
        await parallel.sumGradients(whole);
      }
      const [loss = 0, ...metrics] = sums;
      return { loss, metrics, updated, share };
    },
    dispose() {
      memory?.then(
        ({ whole, updated }) => disposeArrays({ updated, whole }),
        () => {},
      );
    },
  };
}

/** Computes the gradients of one micro-batch, into or onto those of the others; gives its loss and metrics. */
function createMicroBatches<Example>(
  objective: Objective<Example>,
  weights: Named,
  { first, further }: ReturnType<typeof compileGradients>,
  { part, precision, communicator }: PassOptions,
) {
  return async (
    gradients: Named,
    batch: BatchArrays,
    { index, adds, update, lossScale }: { index: number; adds: boolean; update: number; lossScale: number },
  ): Promise<number[]> => {
    const out = await (adds ? further : first)({
      weights,
      frozen: part.frozen,
      // The seed follows from the place in the whole step, which does not depend on the number of ranks.
      noise: part.noise(batch.tokens.data.length, update, communicator.rank + index * communicator.size),
      gradients,
      batch,
      // A graph of its own only where it is needed.
      ...(precision === 'float16' && { lossScale: scalar(lossScale) }),
    });
    const single = [out.loss, ...objective.metrics.map((name) => entryOf(out.metrics, name))];
    return single.map(({ data }) => elementAt(data, 0));
  };
}

function compileGradients<Example>(
  config: ModelConfig,
  objective: Objective<Example>,
  { part, device, precision, gradientCheckpointing }: PassOptions,
) {
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
  return { first: compile(fresh, options), further: compile(accumulated, options) };
}

async function gradientMemory(
  weights: Named,
  { device, parallel, sumsEach }: PassOptions,
): Promise<GradientMemory> {
  const placed = (arrays: Named) =>
    place<Named>(
      Object.fromEntries(Object.entries(arrays).map(([name, { shape }]) => [name, zeros(shape)])),
      device,
    );
  const whole = await placed(weights);
  const slices = parallel.updated(whole);
  if (!sumsEach) return { whole, slices, updated: slices, share: parallel.share(whole) };
  const updated = await placed(slices);
  return { whole, slices, updated, share: updated };
}

/** Compiles the sum of the gradients of several micro-batches, where they are not summed as they are computed. */
function createAccumulator(device: DeviceName | 'auto') {
  type Inputs = { sums: NamedTensors; values: NamedTensors };
  const named = ({ values }: Inputs, value: (name: string, tensor: tf.Tensor) => tf.Tensor) => ({
    sums: Object.fromEntries(Object.entries(values).map(([name, tensor]) => [name, value(name, tensor)])),
  });
  const options = { device, inPlace: ['sums'] } as const;
  const begin = compile((inputs: Inputs) => named(inputs, (_, value) => tf.mul(value, 1)), options);
  const further = compile(
    (inputs: Inputs) => named(inputs, (name, value) => tf.add(entryOf(inputs.sums, name), value)),
    options,
  );
  return {
    compiled: [begin, further],
    async add(sums: Named, values: Named, adds: boolean): Promise<void> {
      if (Object.keys(sums).length > 0) await (adds ? further : begin)({ sums, values });
    },
  };
}
