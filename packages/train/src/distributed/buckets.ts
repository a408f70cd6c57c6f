import { elementAt } from '../checked.js';
import type { Communicator } from './communicator.js';
import type { FlatArrays } from './flat-arrays.js';

/**
 * Values sent at once, 64 MiB: a message of this size takes its time for the values and not for being a message, and the
 * next one is packed meanwhile.
 */
const usualBucket = 2 ** 24;

/** Sums arrays over all ranks, in place. */
export async function sumEverywhere(
  communicator: Communicator,
  arrays: FlatArrays,
  bucket = usualBucket,
): Promise<void> {
  await eachBucket(arrays, bucket, async (start, end, buffer) => {
    const there = arrays.view(start, end);
    if (there !== undefined) return communicator.allReduceSum(there);
    const values = buffer();
    arrays.read(start, values);
    await communicator.allReduceSum(values);
    arrays.write(start, values);
  });
}

/** Gives all ranks the values of rank 0. Arrays that a rank does not have are passed over. */
export async function copyFromFirst(
  communicator: Communicator,
  arrays: FlatArrays,
  bucket = usualBucket,
): Promise<void> {
  await eachBucket(arrays, bucket, async (start, _end, buffer) => {
    const values = buffer();
    if (communicator.rank === 0) arrays.read(start, values);
    await communicator.broadcast(values);
    if (communicator.rank !== 0) arrays.write(start, values);
  });
}

/**
 * Sums the arrays of each rank's share over all ranks; a rank gets the sums of its own share, in place.
 *
 * @param shares for each rank the arrays that are its
 */
export async function sumShares(
  communicator: Communicator,
  shares: readonly FlatArrays[],
  bucket = usualBucket,
): Promise<void> {
  const { rank } = communicator;
  await pipelined(roundsOf(shares, bucket), roundSize(shares, bucket), async (ranges, buffer) => {
    const { parts, counts, values } = packed(ranges, buffer());
    for (const [owner, part] of parts.entries())
      elementAt(shares, owner).read(elementAt(ranges, owner)[0], part);
    const sum = new Float32Array(elementAt(counts, rank));
    await communicator.reduceScatterSum(values, counts, sum);
    elementAt(shares, rank).write(elementAt(ranges, rank)[0], sum);
  });
}

/**
 * Gives every rank the arrays of all shares, each from the rank whose share it is. Arrays that a rank does not have are
 * passed over.
 */
export async function gatherShares(
  communicator: Communicator,
  shares: readonly FlatArrays[],
  bucket = usualBucket,
): Promise<void> {
  const { rank } = communicator;
  await pipelined(roundsOf(shares, bucket), roundSize(shares, bucket), async (ranges, buffer) => {
    const { parts, counts, values } = packed(ranges, buffer());
    elementAt(shares, rank).read(elementAt(ranges, rank)[0], elementAt(parts, rank));
    await communicator.allGather(values, counts);
    for (const [owner, part] of parts.entries()) {
      if (owner !== rank) elementAt(shares, owner).write(elementAt(ranges, owner)[0], part);
    }
  });
}

type Range = readonly [start: number, end: number];

/** Works on arrays a bucket at a time, with a buffer of the bucket's length where one is asked for. */
function eachBucket(
  { length }: FlatArrays,
  bucket: number,
  work: (start: number, end: number, buffer: () => Float32Array) => Promise<void>,
): Promise<void> {
  const ranges = Array.from(
    { length: Math.ceil(length / bucket) },
    (_, i): Range => [i * bucket, Math.min(length, (i + 1) * bucket)],
  );
  return pipelined(ranges, Math.min(bucket, length), ([start, end], buffer) =>
    work(start, end, () => buffer().subarray(0, end - start)),
  );
}

/** Cuts all shares into the same number of pieces, those of one round filling a bucket, up to one value for each share. */
function roundsOf(shares: readonly FlatArrays[], bucket: number): (readonly Range[])[] {
  const rounds = Math.ceil(shares.reduce((sum, { length }) => sum + length, 0) / bucket);
  const cut = (length: number, round: number) => Math.floor((length * round) / rounds);
  return Array.from({ length: rounds }, (_, round) =>
    shares.map(({ length }): Range => [cut(length, round), cut(length, round + 1)]),
  );
}

function roundSize(shares: readonly FlatArrays[], bucket: number): number {
  const length = shares.reduce((sum, share) => sum + share.length, 0);
  return Math.min(length, bucket + shares.length);
}

/** Cuts a buffer into a part for each range. */
function packed(ranges: readonly Range[], buffer: Float32Array) {
  const counts = ranges.map(([start, end]) => end - start);
  let length = 0;
  const parts = counts.map((count) => {
    const start = length;
    length += count;
    return buffer.subarray(start, length);
  });
  return { counts, parts, values: buffer.subarray(0, length) };
}

/** Works on two items at a time, each with a buffer: one is packed while the other is under way. */
async function pipelined<T>(
  items: readonly T[],
  size: number,
  work: (item: T, buffer: () => Float32Array) => Promise<void>,
): Promise<void> {
  const buffers: (Float32Array | undefined)[] = [undefined, undefined];
  const busy: Promise<void>[] = [Promise.resolve(), Promise.resolve()];
  for (const [i, item] of items.entries()) {
    const slot = i % 2;
    await busy[slot];
    const working = work(item, () => {
      const buffer = buffers[slot] ?? new Float32Array(size);
      buffers[slot] = buffer;
      return buffer;
    });
    busy[slot] = working;
    // Seen by the next await, or by the last.
    working.catch(() => {});
  }
  await Promise.all(busy);
}
