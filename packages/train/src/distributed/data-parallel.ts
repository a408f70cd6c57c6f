import { type AnyArray, DeviceArray, type DeviceName, type NDArray, place, read } from '@gram/engine';
import { elementAt, entryOf } from '../checked.js';
import { gatherShares, sumEverywhere, sumShares } from './buckets.js';
import type { Communicator } from './communicator.js';
import { FlatArrays } from './flat-arrays.js';
import { balancedShares, type Shapes } from './partition.js';

/**
 * Placement of the moments: `none` keeps all of them on every rank; `zero1` (Rajbhandari et al. 2020,
 * stage 1) deals weights out, so that a rank remembers and updates its share and gets the others' weights from them.
 */
export type OptimizerSharding = 'none' | 'zero1';

type Named = Readonly<Record<string, AnyArray<'float32'>>>;

/** Operations with which ranks of the same weights and different examples take a step together. */
export interface DataParallel {
  /** Names of the weights that this rank updates. */
  readonly updated: readonly string[];
  /** Names of this rank's share, whose part of the norm it computes. The shares of all ranks are all weights. */
  readonly share: readonly string[];
  /** Sums gradients over all ranks, in place: those of the weights that this rank updates, the others' are left undefined. */
  sumGradients(gradients: Named): Promise<void>;
  /** Sums single numbers over all ranks, the same bits on each. */
  sum(values: readonly number[]): Promise<number[]>;
  /** After an update: brings the weights that others have updated. */
  exchangeWeights(weights: Named): Promise<void>;
}

/**
 * @param weights names and shapes, the same on all ranks
 * @param device where those arrays live that are not in host memory
 */
export function dataParallel(
  communicator: Communicator,
  weights: Shapes,
  sharding: OptimizerSharding,
  device: DeviceName | 'auto' = 'cpu',
): DataParallel {
  const { rank, size } = communicator;
  const names = Object.keys(weights);
  const shares = balancedShares(weights, size);
  const share = elementAt(shares, rank);
  const sharded = sharding === 'zero1' && size > 1;
  const others = shares.filter((_, owner) => owner !== rank).flat();
  return {
    updated: sharded ? share : names,
    share,
    async sumGradients(gradients) {
      if (size === 1) return;
      await onHost(gradients, sharded ? share : names, device, (arrays) =>
        sharded
          ? sumShares(
              communicator,
              shares.map((list) => flat(arrays, list)),
            )
          : sumEverywhere(communicator, flat(arrays, names)),
      );
    },
    async sum(values) {
      const sums = Float64Array.from(values);
      await communicator.allReduceSum(sums);
      return [...sums];
    },
    async exchangeWeights(current) {
      if (!sharded) return;
      await onHost(current, others, device, (arrays) =>
        gatherShares(
          communicator,
          shares.map((list) => flat(arrays, list)),
        ),
      );
    },
  };
}

/** Sets arrays to zero. */
export async function clear(arrays: Named, device: DeviceName | 'auto'): Promise<void> {
  await onHost(arrays, Object.keys(arrays), device, async (host) => {
    for (const { data } of Object.values(host)) data.fill(0);
  });
}

function flat(arrays: Readonly<Record<string, NDArray<'float32'>>>, names: readonly string[]): FlatArrays {
  return new FlatArrays(names.map((name) => entryOf(arrays, name).data));
}

/** Works on arrays in host memory; those that live on a device are copied here, and the changed ones back. */
async function onHost(
  arrays: Named,
  changed: readonly string[],
  device: DeviceName | 'auto',
  work: (host: Readonly<Record<string, NDArray<'float32'>>>) => Promise<void>,
): Promise<void> {
  const host = (await read(arrays)) as Readonly<Record<string, NDArray<'float32'>>>;
  await work(host);
  for (const name of changed) {
    const target = entryOf(arrays, name);
    if (!(target instanceof DeviceArray)) continue;
    const { values } = await place<{ values: AnyArray<'float32'> }>({ values: entryOf(host, name) }, device);
    if (values instanceof DeviceArray) target.replace(values.storage);
  }
}
