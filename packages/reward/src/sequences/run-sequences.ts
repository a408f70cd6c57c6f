import { type DeviceName, disposeArrays, int32 } from '@gram/engine';
import { RewardError, type RunOptions } from '@gram/ranking';
import { type Batch, bucketBatches } from './batching.js';
import type { Forward } from './forward.js';
import type { NumberCache } from './number-cache.js';
import { type SharedSequence, shareBeginnings } from './shared-beginnings.js';

/** Tokens of a batch unless told otherwise. Larger batches leave the caches of a CPU: 8192 took 1.3 times as long at 135 M parameters. */
export function defaultBatchTokens(device: DeviceName = 'cpu'): number {
  return device === 'cpu' ? 2048 : 8192;
}

/** Items that are encoded at a time. */
const ENCODE_AT_ONCE = 64;

/** Encodes items a few at a time, in order. `id` names an item in errors. */
export async function encodeAll<Item extends { readonly id?: string }, Encoded>(
  items: readonly Item[],
  encode: (item: Item, id: string) => Promise<Encoded>,
  signal?: AbortSignal,
): Promise<Encoded[]> {
  const encoded: Encoded[] = [];
  for (let start = 0; start < items.length; start += ENCODE_AT_ONCE) {
    signal?.throwIfAborted();
    const part = items.slice(start, start + ENCODE_AT_ONCE);
    encoded.push(
      ...(await Promise.all(part.map((item, index) => encode(item, item.id ?? `item ${start + index}`)))),
    );
  }
  return encoded;
}

/**
 * Runs a model on sequences of any lengths, and gives the numbers of each sequence, in order. Equal sequences run once, and
 * those that the cache knows not at all. The others run in batches of similar length, or one after the other where so many
 * begin alike that computing the beginnings once is worth more than the company of a batch.
 *
 * @throws RewardError `bad-option`, `not-finite`; the signal's reason when it is aborted
 */
export async function runSequences(
  sequences: readonly (readonly number[])[],
  forward: Forward,
  { batchTokens, cache }: { readonly batchTokens: number; readonly cache: NumberCache },
  { signal, onProgress }: RunOptions,
): Promise<(readonly number[])[]> {
  const results: (readonly number[])[] = new Array(sequences.length);
  let done = 0;
  const finish = (items: readonly number[], numbers: readonly number[]) => {
    for (const item of items) results[item] = numbers;
    done += items.length;
  };
  const unknown: number[] = [];
  for (const [item, ids] of sequences.entries()) {
    const numbers = cache.get(ids);
    if (numbers === undefined) unknown.push(item);
    else finish([item], numbers);
  }
  const missing = shareBeginnings(sequences, unknown);
  const batches = bucketBatches(
    missing.map(({ ids }) => ids.length),
    batchTokens,
  );
  const computed = ({ ids, items }: SharedSequence, data: Float32Array) => {
    const numbers = Array.from(data);
    if (!numbers.every(Number.isFinite)) throw notFinite();
    cache.set(ids, numbers);
    finish(items, numbers);
  };
  if (apart(missing, forward) < together(batches)) {
    const room = await forward.cache(Math.max(...missing.map(({ ids }) => ids.length)));
    try {
      for (const sequence of missing) {
        signal?.throwIfAborted();
        computed(sequence, await forward.extend(sequence.ids, sequence.known, room, signal));
        onProgress?.(done, sequences.length);
      }
    } finally {
      disposeArrays(room);
    }
    return results;
  }
  for (const batch of batches) {
    signal?.throwIfAborted();
    const data = await forward.batch(batchInputs(missing, batch), signal);
    const width = data.length / batch.items.length;
    for (const [row, i] of batch.items.entries()) {
      computed(missing[i]!, data.subarray(row * width, (row + 1) * width));
    }
    onProgress?.(done, sequences.length);
  }
  return results;
}

/** Tokens that take as long as running the sequences one after the other. */
function apart(sequences: readonly SharedSequence[], { runCost }: Forward): number {
  return sequences.reduce((sum, { ids, known }) => sum + ids.length - known + runCost, 0);
}

/** Tokens of batches, padding included. */
function together(batches: readonly Batch[]): number {
  return batches.reduce((sum, { length, items }) => sum + length * items.length, 0);
}

/** Converts progress to other units: `total` items that take the same time each. */
export function scaledProgress(
  total: number,
  onProgress: RunOptions['onProgress'],
): NonNullable<RunOptions['onProgress']> {
  return (done, all) => onProgress?.(Math.floor((total * done) / all), total);
}

function batchInputs(sequences: readonly SharedSequence[], { length, items }: Batch) {
  const rows = items.length;
  const tokens = new Int32Array(rows * length);
  // Padding on the right stays 0: no real position sees it.
  for (const [row, item] of items.entries()) tokens.set(sequences[item]!.ids, row * length);
  const last = Int32Array.from(items, (item) => sequences[item]!.ids.length - 1);
  return { tokens: int32([rows, length], tokens), last: int32([rows], last) };
}

function notFinite(): RewardError {
  return new RewardError(
    'not-finite',
    'the model gave a number that is not finite',
    'Check the weights: training may have diverged, or the file is damaged.',
  );
}
