import { type DeviceArray, sizeOf } from '@gram/engine';
import { elementAt, entryOf } from '../checked.js';
import type { Place } from './communicator.js';
import type { Call } from './gpus/nccl.js';
import type { Slice } from './partition.js';

type Arrays = Readonly<Record<string, DeviceArray<'float32'>>>;

/** A range of an array: parts of one length for all ranks, one after the other, or values of one rank. */
type Range = { readonly name: string; readonly start: number } & (
  | { readonly part: number }
  | { readonly count: number; readonly owner: number }
);

/** Bytes of a number. */
const BYTES = 4;

/** Operations that replace arrays by their sums over all ranks. */
export function sumCalls(arrays: Arrays): Call[] {
  return Object.values(arrays).map((array) => ({
    kind: 'allReduce',
    at: addressOf(array, 0),
    count: sizeOf(array.shape),
  }));
}

/** Operations that sum arrays over all ranks, each rank getting the sums of its own share, in place. */
export function sumShareCalls(arrays: Arrays, shares: readonly (readonly Slice[])[]): Call[] {
  return rangesOf(shares).map((range): Call => {
    const at = addressOf(entryOf(arrays, range.name), range.start);
    if ('part' in range) return { kind: 'reduceScatter', at, part: range.part };
    return { kind: 'reduce', at, count: range.count, root: range.owner };
  });
}

/** Operations that give every rank the arrays of all shares, each from the rank whose share it is. */
export function gatherShareCalls(arrays: Arrays, shares: readonly (readonly Slice[])[]): Call[] {
  return rangesOf(shares).map((range): Call => {
    const at = addressOf(entryOf(arrays, range.name), range.start);
    if ('part' in range) return { kind: 'allGather', at, part: range.part };
    return { kind: 'broadcast', at, count: range.count, root: range.owner };
  });
}

/** Bytes that a rank receives from others in operations, as NCCL moves them: in parts, one for each rank, around a ring. */
export function receivedBytes(calls: readonly Call[], place: Pick<Place, 'rank' | 'size'>): number {
  return calls.reduce((sum, call) => sum + BYTES * receivedNumbers(call, place), 0);
}

function receivedNumbers(call: Call, { rank, size }: Pick<Place, 'rank' | 'size'>): number {
  const others = size - 1;
  switch (call.kind) {
    case 'allReduce':
      return (2 * others * call.count) / size;
    case 'reduceScatter':
    case 'allGather':
      return others * call.part;
    case 'reduce':
      return rank === call.root ? others * call.count : 0;
    case 'broadcast':
      return rank === call.root ? 0 : call.count;
  }
}

/**
 * Cuts shares into ranges that an operation of NCCL can work on, whose parts are equal. Of an array that all ranks share the last part may
 * be longer, and what it is longer by is a range of its own.
 */
function rangesOf(shares: readonly (readonly Slice[])[]): Range[] {
  const owned = new Map<string, { owner: number; start: number; end: number }[]>();
  for (const [owner, slices] of shares.entries()) {
    for (const { name, start, end } of slices) {
      owned.set(name, [...(owned.get(name) ?? []), { owner, start, end }]);
    }
  }
  return [...owned].flatMap(([name, slices]): Range[] => {
    const { start, end } = elementAt(slices, 0);
    const part = end - start;
    if (slices.length < shares.length) {
      return slices.map((slice) => ({
        name,
        start: slice.start,
        count: slice.end - slice.start,
        owner: slice.owner,
      }));
    }
    const last = elementAt(slices, slices.length - 1);
    const rest = last.start + part;
    return [
      { name, start, part },
      ...(rest < last.end ? [{ name, start: rest, count: last.end - rest, owner: last.owner }] : []),
    ];
  });
}

/** The address of a value of an array. */
function addressOf({ address, device }: DeviceArray<'float32'>, index: number): bigint {
  if (address === undefined) throw new RangeError(`arrays on ${device} have no address`);
  return address + BigInt(BYTES * index);
}
