import { compile, int32, type NDArray } from '@gram/engine';
import {
  growingPositionArrays,
  type ModelConfig,
  type ModelTensors,
  type PositionTables,
  type Precision,
  positionDimensions,
  quantizeWeights,
  type Weights,
} from '@gram/model';
import type * as tf from '@tensorflow/tfjs';
import { type Batch, bucketBatches } from './batching.js';
import { RewardError } from './error.js';
import type { RunOptions } from './reward-model.js';

/** Tokens of a batch, 8192, unless told otherwise. */
export const DEFAULT_BATCH_TOKENS = 8192;

/** Items that are encoded at a time. */
const ENCODE_AT_ONCE = 64;

/** Runs a model on `tokens` `[B, T]` and `last` `[B]` and gives `[B * width]` numbers. */
export interface Forward {
  (inputs: { tokens: NDArray<'int32'>; last: NDArray<'int32'> }, signal?: AbortSignal): Promise<NDArray>;
  dispose(): void;
}

/** What a head computes from weights, `tokens` `[B, T]`, `last` `[B]` and rotary tables. */
type Head = (
  weights: ModelTensors,
  tokens: tf.Tensor2D,
  last: tf.Tensor1D,
  tables: PositionTables,
) => tf.Tensor;

/**
 * Compiles a head once for all numbers of sequences and all lengths.
 *
 * @param precision float32 weights are read at each call. Integers are made of them here, once: later changes are not seen.
 */
export function createForward(
  config: ModelConfig,
  weights: Weights,
  head: Head,
  precision: Precision = 'float32',
): Forward {
  const tablesFor = growingPositionArrays(config);
  const used = precision === 'float32' ? weights : quantizeWeights(weights, precision);
  const run = compile(
    (inputs: { weights: ModelTensors; tables: PositionTables; tokens: tf.Tensor2D; last: tf.Tensor1D }) => ({
      numbers: head(inputs.weights, inputs.tokens, inputs.last, inputs.tables),
    }),
    {
      dimensions: { ...positionDimensions, tokens: ['B', 'T'], last: ['B'] },
      // The runtime packs what never changes; products of integers are fast with packed weights only.
      constants: precision === 'float32' ? [] : ['weights'],
    },
  );
  const forward = async (
    inputs: { tokens: NDArray<'int32'>; last: NDArray<'int32'> },
    signal?: AbortSignal,
  ) => {
    const tables = tablesFor(inputs.tokens.shape[1]!);
    return (await run({ weights: used, tables, ...inputs }, { signal })).numbers;
  };
  return Object.assign(forward, { dispose: () => run.dispose() });
}

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
 * Runs a model on sequences of any lengths, in batches, and gives the numbers of each sequence, in order.
 *
 * @throws RewardError `bad-option`, `not-finite`; the signal's reason when it is aborted
 */
export async function runSequences(
  sequences: readonly (readonly number[])[],
  forward: Forward,
  batchTokens: number,
  { signal, onProgress }: RunOptions,
): Promise<number[][]> {
  const results: number[][] = new Array(sequences.length);
  let done = 0;
  const lengths = sequences.map((ids) => ids.length);
  for (const batch of bucketBatches(lengths, batchTokens)) {
    signal?.throwIfAborted();
    const { data } = await forward(batchInputs(sequences, batch), signal);
    const width = data.length / batch.items.length;
    for (const [row, item] of batch.items.entries()) {
      const numbers = Array.from(data.subarray(row * width, (row + 1) * width));
      if (!numbers.every(Number.isFinite)) throw notFinite();
      results[item] = numbers;
    }
    done += batch.items.length;
    onProgress?.(done, sequences.length);
  }
  return results;
}

/** Progress in other units: `total` items that take the same time each. */
export function inUnitsOf(
  total: number,
  onProgress: RunOptions['onProgress'],
): NonNullable<RunOptions['onProgress']> {
  return (done, all) => onProgress?.(Math.floor((total * done) / all), total);
}

function batchInputs(sequences: readonly (readonly number[])[], { length, items }: Batch) {
  const rows = items.length;
  const tokens = new Int32Array(rows * length);
  // Padding on the right stays 0: no real position sees it.
  for (const [row, item] of items.entries()) tokens.set(sequences[item]!, row * length);
  const last = Int32Array.from(items, (item) => sequences[item]!.length - 1);
  return { tokens: int32([rows, length], tokens), last: int32([rows], last) };
}

function notFinite(): RewardError {
  return new RewardError(
    'not-finite',
    'the model gave a number that is not finite',
    'Check the weights: training may have diverged, or the file is damaged.',
  );
}
