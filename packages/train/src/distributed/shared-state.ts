import { deserialize, serialize } from 'node:v8';
import { type NDArray, sizeOf, zeros } from '@gram/engine';
import type { Weights } from '@gram/model';
import { differingParts, type Fingerprint } from '@gram/run';
import { elementAt, entryOf } from '../checked.js';
import type { TrainingState } from '../checkpoint.js';
import { TrainError } from '../error.js';
import { type Moments, momentShapes, type Optimizer } from '../optimizers/optimizer.js';
import { copyFromFirst, gatherShares } from './buckets.js';
import type { Communicator } from './communicator.js';
import { FlatArrays, type Piece } from './flat-arrays.js';
import type { Slice } from './partition.js';

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

/** Moments as they are spread over the ranks. */
export interface SpreadMoments {
  readonly optimizer: Optimizer;
  /** Names and shapes of all weights. */
  readonly weights: Weights;
  /** The slices of each rank; undefined where every rank keeps the moments of all weights. */
  readonly shares: readonly (readonly Slice[])[] | undefined;
  /** Moments of this rank's slices. */
  readonly kept: Floats;
}

/**
 * Gives each rank, from the moments of all weights on rank 0, those that it keeps.
 *
 * @param spread its `kept` is overwritten
 * @param whole on rank 0; not read elsewhere
 */
export async function scatterMoments(
  communicator: Communicator,
  spread: SpreadMoments,
  whole: Floats,
): Promise<void> {
  const { optimizer, weights, kept } = spread;
  const isFirst = communicator.rank === 0;
  const starts = new Map(ownSlices(communicator, spread).map(({ name, start }) => [name, start]));
  const pieces: Piece[] = [];
  for (const [slot, named] of Object.entries(momentShapes(optimizer, weights))) {
    for (const [name, shape] of Object.entries(named)) {
      const [length, mine, before] = [sizeOf(shape), kept[slot]?.[name]?.data, starts.get(name) ?? 0];
      if (isFirst) pieces.push(entryOf(entryOf(whole, slot), name).data);
      else if (mine === undefined) pieces.push({ length });
      else pieces.push({ length: before }, mine, { length: length - before - mine.length });
    }
  }
  await copyFromFirst(communicator, new FlatArrays(pieces));
  if (isFirst) eachOwnPart(communicator, spread, whole, (mine, part) => mine.set(part));
}

/**
 * Brings the moments that each rank keeps of its share to rank 0, as if it had them all.
 *
 * @param whole moments on rank 0, made where they are missing and overwritten. Untouched on the other ranks.
 */
export async function gatherMoments(
  communicator: Communicator,
  spread: SpreadMoments,
  whole: WholeMoments,
): Promise<void> {
  const { optimizer, weights, shares, kept } = spread;
  if (shares === undefined) return;
  const isFirst = communicator.rank === 0;
  if (isFirst) {
    for (const [slot, named] of Object.entries(momentShapes(optimizer, weights))) {
      whole[slot] ??= {};
      for (const [name, shape] of Object.entries(named)) whole[slot][name] ??= zeros(shape);
    }
    eachOwnPart(communicator, spread, whole, (mine, part) => part.set(mine));
  }
  const own = elementAt(shares, communicator.rank);
  const pieces = (slices: readonly Slice[]) =>
    slices.flatMap((slice) => {
      const shape = entryOf(weights, slice.name).shape;
      return Object.entries(optimizer.slots(shape)).map(([slot, momentShape]): Piece => {
        if (isFirst) return partOf(entryOf(entryOf(whole, slot), slice.name), slice, sizeOf(shape));
        // A rank has moments of its own slice of a weight, whose length tells nothing of the others'.
        if (slices === own) return entryOf(entryOf(kept, slot), slice.name).data;
        return { length: isWhole(slice, sizeOf(shape)) ? sizeOf(momentShape) : slice.end - slice.start };
      });
    });
  await gatherShares(
    communicator,
    shares.map((slices) => new FlatArrays(pieces(slices))),
  );
}

/** Does something with each moment that this rank keeps and the part of the whole moment that it is. */
function eachOwnPart(
  communicator: Communicator,
  spread: SpreadMoments,
  whole: Floats,
  use: (mine: Float32Array, part: Float32Array) => void,
): void {
  const slices = ownSlices(communicator, spread);
  for (const [slot, named] of Object.entries(spread.kept)) {
    for (const slice of slices) {
      const mine = named[slice.name]?.data;
      const length = sizeOf(entryOf(spread.weights, slice.name).shape);
      if (mine !== undefined) use(mine, partOf(entryOf(entryOf(whole, slot), slice.name), slice, length));
    }
  }
}

function ownSlices({ rank }: Communicator, { shares, weights }: SpreadMoments): readonly Slice[] {
  const all = () =>
    Object.entries(weights).map(([name, { shape }]) => ({ name, start: 0, end: sizeOf(shape) }));
  return shares === undefined ? all() : elementAt(shares, rank);
}

/** The part of a moment that belongs to a slice. Weights are cut only where moments have their shape. */
function partOf({ data }: NDArray<'float32'>, slice: Slice, length: number): Float32Array {
  return isWhole(slice, length) ? data : data.subarray(slice.start, slice.end);
}

const isWhole = ({ start, end }: Slice, length: number) => end - start === length;
