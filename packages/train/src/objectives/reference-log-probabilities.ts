import { type AnyArray, compile, type DeviceName } from '@gram/engine';
import {
  growingPositionArrays,
  hiddenStates,
  type ModelConfig,
  type PositionTables,
  positionDimensions,
  tokenLosses,
  type WeightTensors,
} from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { elementAt } from '../checked.js';
import type { PairLogProbabilities, PolicyPair, ReferencedPair } from './policy-pairs.js';
import type { GenerationExample } from './supervised-tokens.js';
import { supervisedTokens } from './supervised-tokens.js';

/** Options of `referenceLogProbabilities`. */
export interface ReferenceOptions {
  /** The most tokens that are computed at once, padding included; a longer sequence runs alone. @default 8192 */
  readonly batchTokens?: number;
  /** Device of the computation. @default 'cpu' */
  readonly device?: DeviceName | 'auto';
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of pairs that were measured so far. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Adds to each pair what a model says of it, once and for all: the frozen reference of `directPreference`. No gradient is
 * computed. Sums are in float64.
 *
 * @param weights of a model with a next-token head, in host memory or on the device; they are read, never written
 * @returns the pairs in their order
 * @throws EngineError; the reason of `signal`
 */
export async function referenceLogProbabilities<Pair extends PolicyPair>(
  config: ModelConfig,
  weights: Readonly<Record<string, AnyArray<'float32'>>>,
  pairs: readonly Pair[],
  { batchTokens = 8192, device, signal, onProgress }: ReferenceOptions = {},
): Promise<(Pair & ReferencedPair)[]> {
  const run = compile(
    (inputs: {
      weights: WeightTensors;
      tables: PositionTables;
      tokens: tf.Tensor2D;
      positions: tf.Tensor1D;
      targets: tf.Tensor1D;
    }) => {
      const states = hiddenStates(config, inputs.weights, inputs.tokens, inputs.tables);
      const read = tf.gather(states, inputs.positions);
      return { losses: tokenLosses(config, inputs.weights, read, inputs.targets) };
    },
    {
      device,
      dimensions: { ...positionDimensions, tokens: ['B', 'T'], positions: ['P'], targets: ['P'] },
    },
  );
  const tablesFor = growingPositionArrays(config);
  const sequences = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  const sums = new Float64Array(sequences.length);
  let measured = 0;
  try {
    for (const batch of batchesOf(sequences, batchTokens)) {
      signal?.throwIfAborted();
      const examples = batch.map((i) => elementAt(sequences, i));
      const length = Math.max(...examples.map(({ ids }) => ids.length));
      const { tokens, positions, targets, rows, count } = supervisedTokens(examples, batch.length, length);
      const inputs = { weights, tables: tablesFor(length), tokens, positions, targets };
      const { losses } = await run(inputs, { signal });
      for (let i = 0; i < count; i++) {
        const sequence = elementAt(batch, elementAt(rows.data, i));
        sums[sequence] = elementAt(sums, sequence) - elementAt(losses.data, i);
      }
      measured += batch.length;
      onProgress?.(Math.floor(measured / 2), pairs.length);
    }
  } finally {
    run.dispose();
  }
  return pairs.map((pair, i) => {
    const reference: PairLogProbabilities = {
      chosen: elementAt(sums, 2 * i),
      rejected: elementAt(sums, 2 * i + 1),
    };
    return { ...pair, reference };
  });
}

/** Indices of sequences of similar length, the longest first: should memory not suffice, this shows at once. */
function batchesOf(sequences: readonly GenerationExample[], batchTokens: number): number[][] {
  const lengthOf = (i: number) => elementAt(sequences, i).ids.length;
  const order = sequences.map((_, i) => i).sort((a, b) => lengthOf(b) - lengthOf(a) || a - b);
  const batches: number[][] = [];
  for (let start = 0; start < order.length; ) {
    const rows = Math.max(1, Math.floor(batchTokens / lengthOf(elementAt(order, start))));
    batches.push(order.slice(start, start + rows));
    start += rows;
  }
  return batches;
}
