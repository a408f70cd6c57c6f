import {
  type AnyArray,
  compile,
  DeviceArray,
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
import { compileForBatches } from './batch-graphs.js';

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

/** Compiled gradients, with their memory. */
interface Prepared extends GradientMemory, ReturnType<typeof compileGradients> {
  /** The gradients of `whole` in groups, in the order in which they are computed and summed. */
  readonly groups: readonly Named[];
}

/** Compiles loss and gradients; the gradients of the micro-batches of a step add up in one place. */
export function createGradientPass<Example>(
  config: ModelConfig,
  objective: Objective<Example>,
  weights: Named,
  options: PassOptions,
) {
  const { device, parallel, sumsEach } = options;
  const accumulate = createAccumulator(device);
  let preparing: Promise<Prepared> | undefined;
  let prepared: Prepared | undefined;
  async function prepare(): Promise<Prepared> {
    const memory = await gradientMemory(weights, options);
    const names = await parallel.gradientGroups(memory.whole);
    const groups = names.map((group) =>
      Object.fromEntries(group.map((name) => [name, entryOf(memory.whole, name)])),
    );
    prepared = { ...memory, ...compileGradients(config, objective, names, options), groups };
    return prepared;
  }
  const addMicroBatch = createMicroBatches(objective, weights, options);
  return {
    get compiled() {
      return [...(prepared === undefined ? [] : [prepared.first, prepared.further]), ...accumulate.compiled];
    },
    async run(batches: readonly BatchArrays[], update: number, lossScale: number): Promise<Pass> {
      preparing ??= prepare();
      const own = await preparing;
      const { whole, slices, updated, share, groups } = own;
      let sums = [0, ...objective.metrics.map(() => 0)];
      // All ranks sum together, also those that have fewer micro-batches or none.
      const rounds = sumsEach ? await parallel.largest(batches.length) : Math.max(1, batches.length);
      // Adding the first to zeros saves a second graph. On a device the zeros would have to be copied there.
      const addsAll = !sumsEach && rounds > 1 && isInHostMemory(whole);
      if (addsAll) await clear(whole);
      for (let index = 0; index < rounds; index++) {
        const batch = batches[index];
        const adds = addsAll || (index > 0 && !sumsEach);
        const overRanks = sumsEach || index === rounds - 1 ? parallel.gradientSums(groups) : undefined;
        if (batch === undefined) {
          await clear(whole);
          for (const group of groups.keys()) overRanks?.begin(group);
        } else {
          const onPart = (group: number) => overRanks?.begin(group);
          const single = await addMicroBatch(own, batch, { index, adds, update, lossScale, onPart });
          sums = sums.map((sum, i) => sum + elementAt(single, i));
        }
        await overRanks?.end();
        if (sumsEach) await accumulate.add(updated, slices, index > 0);
      }
      const [loss = 0, ...metrics] = sums;
      return { loss, metrics, updated, share };
    },
    dispose() {
      preparing?.then(
        ({ whole, updated }) => disposeArrays({ updated, whole }),
        () => {},
      );
    },
  };
}

/** Place of a micro-batch in a step. */
interface MicroBatch {
  readonly index: number;
  /** Whether its gradients are added to those that are there. */
  readonly adds: boolean;
  readonly update: number;
  readonly lossScale: number;
  /** Called with the number of each group of gradients that is there, while the next is computed. */
  readonly onPart: (group: number) => void;
}

/** Computes the gradients of one micro-batch, into or onto those of the others; gives its loss and metrics. */
function createMicroBatches<Example>(
  objective: Objective<Example>,
  weights: Named,
  { part, precision, communicator }: PassOptions,
) {
  return async (
    { first, further, whole }: Prepared,
    batch: BatchArrays,
    { index, adds, update, lossScale, onPart }: MicroBatch,
  ): Promise<number[]> => {
    const inputs = {
      weights,
      frozen: part.frozen,
      // The seed follows from the place in the whole step, which does not depend on the number of ranks.
      noise: part.noise(batch.tokens.data.length, update, communicator.rank + index * communicator.size),
      gradients: whole,
      batch,
      // A graph of its own only where it is needed.
      ...(precision === 'float16' && { lossScale: scalar(lossScale) }),
    };
    const out = await (adds ? further : first).run(inputs, { onPart });
    const single = [out.loss, ...objective.metrics.map((name) => entryOf(out.metrics, name))];
    return single.map(({ data }) => elementAt(data, 0));
  };
}

/** @param groups names of the gradients that are computed one group after the other */
function compileGradients<Example>(
  config: ModelConfig,
  objective: Objective<Example>,
  groups: readonly (readonly string[])[],
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
  const parts = groups.map((group) => group.map((name) => `gradients/${name}`));
  const options = { device, precision, gradientCheckpointing, inPlace, parts };
  return {
    first: compileForBatches(config, objective, fresh, options),
    further: compileForBatches(config, objective, accumulated, options),
  };
}

function isInHostMemory(arrays: Named): boolean {
  return !Object.values(arrays).some((array) => array instanceof DeviceArray);
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
