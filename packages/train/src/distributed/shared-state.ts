import { deserialize, serialize } from 'node:v8';
import { type NDArray, zeros } from '@gram/engine';
import type { Weights } from '@gram/model';
import { differingParts, type Fingerprint } from '@gram/run';
import { elementAt, entryOf } from '../checked.js';
import type { TrainingState } from '../checkpoint.js';
import { TrainError } from '../error.js';
import { type Moments, momentShapes, type Optimizer } from '../optimizers/optimizer.js';
import { copyFromFirst, gatherShares } from './buckets.js';
import type { Communicator } from './communicator.js';
import { FlatArrays, type Piece } from './flat-arrays.js';
import { balancedShares } from './partition.js';

type Floats = Moments<NDArray<'float32'>>;
type WholeMoments = Record<string, Record<string, NDArray<'float32'>>>;

/**
 * Makes sure that all ranks are in the same run.
 *
 * @throws TrainError `bad-config` on all ranks, naming the first one that differs, and in what
 */
export async function checkSameRun(communicator: Communicator, identity: Fingerprint): Promise<void> {
  const [first, ...others] = await gatherValues(communicator, identity);
  for (const [i, other] of others.entries()) {
    const parts = first === undefined ? [] : differingParts(first, other);
    if (parts.length === 0) continue;
    throw new TrainError(
      'bad-config',
      `rank ${i + 1} is in another run than rank 0: ${parts.join(', ')} differ`,
      'start all ranks with the same configuration, data and model',
    );
  }
}

/**
 * Gives every rank what each of them has to say, in the order of the ranks: plain objects, arrays, numbers of every kind, texts.
 * With one process that is its own value.
 */
export async function gatherValues<T>(communicator: Communicator, own: T): Promise<T[]> {
  const { rank, size } = communicator;
  if (size === 1) return [own];
  // Unlike JSON it keeps numbers that are not finite, and what is undefined.
  const bytes = serialize(own);
  const lengths = new Float64Array(size);
  lengths[rank] = bytes.length;
  await communicator.allReduceSum(lengths);
  const ends = [...lengths].map((_, i) => lengths.slice(0, i + 1).reduce((sum, length) => sum + length, 0));
  const all = new Uint8Array(elementAt(ends, size - 1));
  all.set(bytes, elementAt(ends, rank) - bytes.length);
  await communicator.allGather(all, [...lengths]);
  // The ranks run the same program, whose values these are.
  return ends.map((end, i) => deserialize(all.subarray(end - elementAt(lengths, i), end)) as T);
}

/** Gives all ranks the weights of rank 0. */
export async function copyWeights(communicator: Communicator, weights: Weights): Promise<void> {
  if (communicator.size === 1) return;
  await copyFromFirst(communicator, new FlatArrays(Object.values(weights).map(({ data }) => data)));
}

/** State of a run without its moments. */
export type RunProgress = Omit<TrainingState, 'moments'>;

/** Gives all ranks what rank 0 resumes from: undefined on all where it is undefined there. */
export async function copyProgress(
  communicator: Communicator,
  progress: RunProgress | undefined,
): Promise<RunProgress | undefined> {
  if (communicator.size === 1) return progress;
  const text = new TextEncoder().encode(JSON.stringify(progress ?? null));
  const length = Float64Array.of(text.length);
  await communicator.broadcast(length);
  const bytes = communicator.rank === 0 ? text : new Uint8Array(elementAt(length, 0));
  await communicator.broadcast(bytes);
  return (JSON.parse(new TextDecoder().decode(bytes)) as RunProgress | null) ?? undefined;
}

/**
 * Gives each rank, from the moments of all weights on rank 0, those that it keeps.
 *
 * @param kept of this rank; overwritten
 * @param whole on rank 0; not read elsewhere
 */
export async function scatterMoments(
  communicator: Communicator,
  optimizer: Optimizer,
  weights: Weights,
  kept: Floats,
  whole: Floats,
): Promise<void> {
  const first = communicator.rank === 0;
  const pieces = momentPieces(optimizer, weights, Object.keys(weights), first ? whole : kept);
  await copyFromFirst(communicator, new FlatArrays(pieces));
  if (!first) return;
  for (const [slot, named] of Object.entries(kept)) {
    for (const [name, { data }] of Object.entries(named)) data.set(entryOf(entryOf(whole, slot), name).data);
  }
}

/**
 * Brings the moments that each rank keeps of its share to rank 0, as if it had them all.
 *
 * @param kept of this rank's share
 * @param whole moments on rank 0: those of other shares are made where they are missing and overwritten, those of its own
 *   are the arrays of `kept`. Untouched on the other ranks.
 */
export async function gatherMoments(
  communicator: Communicator,
  optimizer: Optimizer,
  weights: Weights,
  kept: Floats,
  whole: WholeMoments,
): Promise<void> {
  const shares = balancedShares(weights, communicator.size);
  if (communicator.rank === 0) {
    for (const [slot, named] of Object.entries(momentShapes(optimizer, weights))) {
      whole[slot] ??= {};
      for (const [name, shape] of Object.entries(named))
        whole[slot][name] ??= kept[slot]?.[name] ?? zeros(shape);
    }
  }
  const source = communicator.rank === 0 ? whole : kept;
  await gatherShares(
    communicator,
    shares.map((names) => new FlatArrays(momentPieces(optimizer, weights, names, source))),
  );
}

/** All moments of some weights, in an order that is the same on all ranks; a length for those that are not here. */
function momentPieces(
  optimizer: Optimizer,
  weights: Weights,
  names: readonly string[],
  present: Floats,
): Piece[] {
  return names.flatMap((name) =>
    Object.entries(optimizer.slots(entryOf(weights, name).shape)).map(([slot, shape]): Piece => {
      const length = shape.reduce((a, b) => a * b, 1);
      return present[slot]?.[name]?.data ?? { length };
    }),
  );
}
