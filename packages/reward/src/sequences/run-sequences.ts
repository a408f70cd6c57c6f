import { type DeviceName, disposeArrays, int32 } from '@gram/engine';
import { RewardError, type RunOptions } from '@gram/ranking';
import { type Batch, bucketBatches } from './batching.js';
import type { Forward } from './forward.js';
import type { NumberCache } from './number-cache.js';
import { type SharedSequence, shareBeginnings } from './shared-beginnings.js';

/** Returns the tokens of a batch by default. Larger batches leave the caches of a CPU: 8192 took 1.3 times as long at 135 M parameters. */
export function defaultBatchTokens(device: DeviceName = 'cpu'): number {
  return device === 'cpu' ? 2048 : 8192;
}

/** Number of items that are encoded together. */
const ENCODED_TOGETHER = 64;

/** Encodes items a few at a time, in order. `id` names an item in errors. */
export async function encodeAll<Item extends { readonly id?: string }, Encoded>(
  items: readonly Item[],
  encode: (item: Item, id: string) => Promise<Encoded>,
  signal?: AbortSignal,
): Promise<Encoded[]> {
  const encoded: Encoded[] = [];
  for (let start = 0; start < items.length; start += ENCODED_TOGETHER) {
    signal?.throwIfAborted();
    const part = items.slice(start, start + ENCODED_TOGETHER);
    encoded.push(
      ...(await Promise.all(part.map((item, index) => encode(item, item.id ?? `item ${start + index}`)))),
    );
  }
  return encoded;
}

/**
 * Runs a model on sequences of any lengths, and returns the numbers of each sequence, in order. Equal sequences run once, and
 * those that the cache knows do not run at all. The others run in batches of similar length, or one after the other where so
 * many begin alike that computing the beginnings once saves more than running side by side.
 *
 * @throws RewardError `bad-option`, `not-finite`; the reason of the signal when it is aborted
 */
export async function runSequences(
  sequences: readonly (readonly number[])[],
  forward: Forward,
  { batchTokens, cache }: { readonly batchTokens: number; readonly cache: NumberCache },
  { signal, onProgress }: RunOptions,
): Promise<(readonly number[])[]> {
  const results: (readonly number[])[] = new Array(sequences.length);
  const unknown: number[] = [];
  for (const [item, ids] of sequences.entries()) {
    const numbers = cache.get(ids);
    if (numbers === undefined) unknown.push(item);
    else results[item] = numbers;
  }
  const missing = shareBeginnings(sequences, unknown);
  let done = sequences.length - unknown.length;
  const finish = ({ ids, items }: SharedSequence, data: Float32Array) => {
    const numbers = Array.from(data);
    if (!numbers.every(Number.isFinite)) throw notFinite();
    cache.set(ids, numbers);
    for (const item of items) results[item] = numbers;
    done += items.length;
  };
  const options = { signal, finish, onProgress: () => onProgress?.(done, sequences.length) };
  const lengths = missing.map(({ ids }) => ids.length);
  const batches = bucketBatches(lengths, batchTokens, forward.sharedLength);
  const canShare = lengths.every((length) => length <= forward.sharedLength);
  if (canShare && tokensApart(missing, forward) < tokensTogether(batches))
    await runApart(missing, forward, options);
  else await runTogether(missing, batches, forward, options);
  return results;
}

/** Callbacks for the numbers of a sequence, and after each run. */
interface RunHandlers {
  readonly signal: AbortSignal | undefined;
  readonly finish: (sequence: SharedSequence, data: Float32Array) => void;
  readonly onProgress: () => void;
}

async function runApart(
  sequences: readonly SharedSequence[],
  forward: Forward,
  { signal, finish, onProgress }: RunHandlers,
): Promise<void> {
  const room = await forward.cache(Math.max(...sequences.map(({ ids }) => ids.length)));
  try {
    for (const sequence of sequences) {
      signal?.throwIfAborted();
      finish(sequence, await forward.extend(sequence.ids, sequence.known, room, signal));
      onProgress();
    }
  } finally {
    disposeArrays(room);
  }
}

async function runTogether(
  sequences: readonly SharedSequence[],
  batches: readonly Batch[],
  forward: Forward,
  { signal, finish, onProgress }: RunHandlers,
): Promise<void> {
  for (const { length, items } of batches) {
    signal?.throwIfAborted();
    const rows = items.flatMap((item) => sequences[item] ?? []);
    const data = await forward.batch(batchInputs(rows, length), signal);
    const width = data.length / rows.length;
    for (const [row, sequence] of rows.entries()) {
      finish(sequence, data.subarray(row * width, (row + 1) * width));
    }
    onProgress();
  }
}

/** Number of tokens that take as long as running the sequences one after the other. */
function tokensApart(sequences: readonly SharedSequence[], { runCost }: Forward): number {
  return sequences.reduce((sum, { ids, known }) => sum + ids.length - known + runCost, 0);
}

/** Number of tokens of batches, padding included. */
function tokensTogether(batches: readonly Batch[]): number {
  return batches.reduce((sum, { length, items }) => sum + length * items.length, 0);
}

/** Converts progress to other units: `total` items that take the same time each. */
export function scaledProgress(
  total: number,
  onProgress: RunOptions['onProgress'],
): NonNullable<RunOptions['onProgress']> {
  return (done, all) => onProgress?.(Math.floor((total * done) / all), total);
}

function batchInputs(rows: readonly SharedSequence[], length: number) {
  const tokens = new Int32Array(rows.length * length);
  // Padding on the right stays 0: no real position sees it.
  for (const [row, { ids }] of rows.entries()) tokens.set(ids, row * length);
  const last = Int32Array.from(rows, ({ ids }) => ids.length - 1);
  return { tokens: int32([rows.length, length], tokens), last: int32([rows.length], last) };
}

function notFinite(): RewardError {
  return new RewardError(
    'not-finite',
    'the model gave a number that is not finite',
    'check the weights: training may have diverged, or the file is damaged',
  );
}
