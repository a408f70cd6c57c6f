import {
  type AnyArray,
  DeviceArray,
  type DeviceName,
  disposeArrays,
  type NDArray,
  place,
} from '@gram/engine';
import type { Weights } from '@gram/model';
import { entryOf } from '../checked.js';
import type { TrainingState } from '../checkpoint.js';
import type { Communicator } from '../distributed/communicator.js';
import { dataParallel, type OptimizerSharding } from '../distributed/data-parallel.js';
import { copyWeights, gatherMoments, scatterMoments } from '../distributed/shared-state.js';
import { initMoments, type Moments, type Optimizer } from '../optimizers/optimizer.js';
import type { TrainedPart } from '../parts/trained-part.js';

type Named = Readonly<Record<string, AnyArray<'float32'>>>;

/** Weights and moments of a run as they are spread over its ranks, where the device of each keeps them. */
export interface RunState {
  readonly weights: Named;
  /** Moments of all weights, or of the share of this rank. */
  readonly moments: Moments<AnyArray<'float32'>>;
  readonly part: TrainedPart;
  /** In host memory, as they were at the last `collect`; with sharding all of them on rank 0 only. */
  readonly collected: Moments<NDArray<'float32'>>;
  /** Brings weights and moments to host memory; all ranks call it together. */
  collect(): Promise<void>;
  /** Frees what lives on the device. */
  dispose(): void;
}

/** Arguments of `joinRun`. */
export interface RunStart {
  /** In host memory; those of rank 0 count, and `collect` writes to them. */
  readonly weights: Weights;
  readonly part: TrainedPart;
  readonly optimizer: Optimizer;
  /** Whether rank 0 resumes; only rank 0 has the state. */
  readonly resumed: boolean;
  readonly resume?: Pick<TrainingState, 'moments'>;
  readonly device: DeviceName | 'auto';
  readonly communicator: Communicator;
  readonly sharding: OptimizerSharding;
}

/** Gives all ranks the weights of rank 0 and their moments, and places them on the device. */
export async function joinRun(start: RunStart): Promise<RunState> {
  const { weights, part, device } = start;
  const { kept, collected, gather } = await hostState(start);
  const placed = {
    weights: await place<Named>(weights, device),
    moments: await place<Moments<AnyArray<'float32'>>>(kept, device),
    frozen: await place<Named>(part.frozen, device),
  };
  return {
    weights: placed.weights,
    moments: placed.moments,
    part: { ...part, frozen: placed.frozen },
    collected,
    async collect() {
      await bring(placed.weights, weights);
      for (const [slot, named] of Object.entries(kept)) await bring(entryOf(placed.moments, slot), named);
      await gather();
    },
    dispose() {
      disposeArrays(placed);
    },
  };
}

async function hostState({ weights, optimizer, resumed, resume, device, communicator, sharding }: RunStart) {
  await copyWeights(communicator, weights);
  if (communicator.size === 1) {
    const moments = resume?.moments ?? initMoments(optimizer, weights);
    return { kept: moments, collected: moments, gather: async () => {} };
  }
  const { shares, updated } = dataParallel(communicator, weights, { optimizer, sharding, device });
  const kept = initMoments(optimizer, updated(weights));
  const spread = { optimizer, weights, shares, kept };
  if (resumed) await scatterMoments(communicator, spread, resume?.moments ?? kept);
  if (shares === undefined) return { kept, collected: kept, gather: async () => {} };
  // Rank 0 has all at the first `gather`, the others those of their share.
  const whole: Record<string, Record<string, NDArray<'float32'>>> = {};
  const collected = communicator.rank === 0 ? whole : kept;
  return { kept, collected, gather: () => gatherMoments(communicator, spread, whole) };
}

/** Copies what lives on a device into arrays of host memory, one at a time. */
async function bring(from: Named, into: Readonly<Record<string, NDArray<'float32'>>>): Promise<void> {
  for (const [name, array] of Object.entries(from)) {
    if (array instanceof DeviceArray) entryOf(into, name).data.set((await array.read()).data);
  }
}
