import { type AnyArray, DeviceArray, type DeviceName, type NDArray, read, zeros } from '@gram/engine';
import { elementAt, entryOf } from '../checked.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { gatherShares, sumEverywhere, sumShares } from './buckets.js';
import type { Communicator } from './communicator.js';
import { FlatArrays } from './flat-arrays.js';
import { gatherShareCalls, receivedBytes, sumCalls, sumShareCalls } from './gpu-calls.js';
import { gradientGroups } from './gpus/gradient-groups.js';
import { createGradientSums, type GradientSums } from './gpus/gradient-sums.js';
import type { GpuExchange } from './gpus/open-gpus.js';
import { type Shapes, type Slice, sharesOf, slicesOf, wholeShares } from './partition.js';

/**
 * State that is dealt out to the ranks (Rajbhandari et al. 2020), each of which keeps and updates its share: `none`; `zero1`
 * the moments; `zero2` the moments and the sums of the gradients. All keep all weights, and get the others' after an update.
 */
export type OptimizerSharding = 'none' | 'zero1' | 'zero2';

type Named = Readonly<Record<string, AnyArray<'float32'>>>;

/** Operations with which ranks of the same weights and different examples take a step together. */
export interface DataParallel {
  /** The slices of arrays that this rank updates, in the memory of the arrays: all of them, or its share. */
  updated<A extends AnyArray<'float32'>>(arrays: Readonly<Record<string, A>>): Readonly<Record<string, A>>;
  /** The slices whose part of the norm this rank computes. Those of all ranks are all arrays. */
  share(arrays: Named): Named;
  /** Slices that each rank updates; undefined where each updates everything. */
  readonly shares: readonly (readonly Slice[])[] | undefined;
  /**
   * Groups of gradients, by name, each of which is summed while a backward pass computes the next. There is one group with all where
   * they go through host memory. All ranks call it together.
   */
  gradientGroups(gradients: Named): Promise<readonly (readonly string[])[]>;
  /** Sums groups of gradients over all ranks, in place: what this rank updates, the rest is left undefined. */
  gradientSums(groups: readonly Named[]): GradientSums;
  /** Sums single numbers over all ranks, the same bits on each. */
  sum(values: readonly number[]): Promise<number[]>;
  /** The largest of the numbers that the ranks give. */
  largest(value: number): Promise<number>;
  /** After an update: brings the weights that others have updated. */
  exchangeWeights(weights: Named): Promise<void>;
}

/** Settings of `dataParallel`. */
export interface DataParallelOptions {
  readonly optimizer: Optimizer;
  readonly sharding: OptimizerSharding;
  /** Device of the arrays that are not in host memory. */
  readonly device: DeviceName | 'auto';
}

/** A process that trains alone has nothing to sum. */
const NO_SUMS: GradientSums = { begin() {}, async end() {} };

/** @param weights names and shapes, the same on all ranks */
export function dataParallel(
  communicator: Communicator,
  weights: Shapes,
  { optimizer: { isElementwise = false }, sharding, device }: DataParallelOptions,
): DataParallel {
  const { rank, size } = communicator;
  const names = Object.keys(weights);
  const shares =
    sharding === 'none' || size === 1 ? undefined : sharesOf(weights, size, { isElementwise, device });
  const own = shares && elementAt(shares, rank);
  const measured = own ?? elementAt(wholeShares(weights, size), rank);
  return {
    shares,
    updated: (arrays) => (own === undefined ? arrays : slicesOf(arrays, own)),
    share: (arrays) => slicesOf(arrays, measured),
    async gradientGroups(gradients) {
      const gpus = await onGpus(communicator, gradients);
      return gpus === undefined ? [names] : gradientGroups(weights, gpus.bucketBytes);
    },
    gradientSums(groups) {
      if (size === 1) return NO_SUMS;
      let count: GpuExchange['count'] = () => {};
      const sum = async (gradients: Named): Promise<number> => {
        const dealt = shares?.map((slices) => slices.filter(({ name }) => gradients[name] !== undefined));
        const gpus = await onGpus(communicator, gradients);
        if (gpus === undefined) return sumInHostMemory(communicator, gradients, dealt);
        const calls = dealt === undefined ? sumCalls(gpus.arrays) : sumShareCalls(gpus.arrays, dealt);
        await gpus.run(calls);
        count = gpus.count;
        return receivedBytes(calls, communicator);
      };
      return createGradientSums(groups, sum, (traffic) => count(traffic));
    },
    async sum(values) {
      const sums = Float64Array.from(values);
      await communicator.allReduceSum(sums);
      return [...sums];
    },
    async largest(value) {
      const all = new Float64Array(size);
      all[rank] = value;
      await communicator.allReduceSum(all);
      return size === 1 ? value : Math.max(...all);
    },
    async exchangeWeights(current) {
      if (shares === undefined) return;
      const gpus = await onGpus(communicator, current);
      if (gpus !== undefined) return gpus.run(gatherShareCalls(gpus.arrays, shares));
      await onHost(current, names, (arrays) => gatherShares(communicator, flatShares(arrays, shares)));
    },
  };
}

/** Sums gradients by MPI. Of what comes so nothing is counted. */
async function sumInHostMemory(
  communicator: Communicator,
  gradients: Named,
  shares: readonly (readonly Slice[])[] | undefined,
): Promise<number> {
  const all = Object.keys(gradients);
  const summed = shares && elementAt(shares, communicator.rank).map(({ name }) => name);
  await onHost(gradients, summed ?? all, (arrays) =>
    shares === undefined
      ? sumEverywhere(communicator, new FlatArrays(all.map((name) => entryOf(arrays, name).data)))
      : sumShares(communicator, flatShares(arrays, shares)),
  );
  return 0;
}

/** Sets arrays to zero. */
export async function clear(arrays: Named): Promise<void> {
  for (const array of Object.values(arrays)) {
    if (array instanceof DeviceArray) await array.write(zeros(array.shape));
    else array.data.fill(0);
  }
}

/** The slices of each rank, one after the other. */
function flatShares(
  arrays: Readonly<Record<string, NDArray<'float32'>>>,
  shares: readonly (readonly Slice[])[],
): FlatArrays[] {
  return shares.map(
    (slices) => new FlatArrays(Object.values(slicesOf(arrays, slices)).map(({ data }) => data)),
  );
}

/** The arrays where the GPUs of all ranks exchange them; undefined where they go through host memory. */
async function onGpus(communicator: Communicator, named: Named) {
  const arrays: Record<string, DeviceArray<'float32'>> = {};
  for (const [name, array] of Object.entries(named)) {
    if (array instanceof DeviceArray) arrays[name] = array;
  }
  // All ranks ask, also one without a GPU. The arrays of a rank are all on one device.
  const exchange = await communicator.gpus?.(Object.values(arrays)[0]?.device ?? 'cpu');
  return exchange?.run && { ...exchange, run: exchange.run, arrays };
}

/** Works on arrays in host memory; those that live on a device are copied here, and the changed ones back. */
async function onHost(
  arrays: Named,
  changed: readonly string[],
  work: (host: Readonly<Record<string, NDArray<'float32'>>>) => Promise<void>,
): Promise<void> {
  const host = (await read(arrays)) as Readonly<Record<string, NDArray<'float32'>>>;
  await work(host);
  for (const name of changed) {
    const target = entryOf(arrays, name);
    if (target instanceof DeviceArray) await target.write(entryOf(host, name));
  }
}
