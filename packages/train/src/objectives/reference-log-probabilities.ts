import { sha256 } from '@gram/base';
import {
  type AnyArray,
  compile,
  type DeviceName,
  disposeArrays,
  type NDArray,
  type Precision,
  placedOnce,
} from '@gram/engine';
import {
  growingPositionArrays,
  hiddenStates,
  type ModelConfig,
  type PositionTables,
  positionDimensions,
  type WeightTensors,
} from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { elementAt } from '../checked.js';
import { type Communicator, singleProcess } from '../distributed/communicator.js';
import { type PolicyPair, pairLength, pairWeight } from '../examples/kinds.js';
import { byLength, type ExampleSource, sourceOf } from '../examples/source.js';
import type { PairLogProbabilities, ReferencedPair } from './policy-pairs.js';
import { type SupervisedTokens, supervisedTokens } from './supervised-tokens.js';
import { createTokenHead } from './token-head.js';

/** Options of `referenceLogProbabilities`. */
export interface ReferenceOptions {
  /** The most tokens that are computed at once, padding included; a longer pair runs alone. @default 8192 */
  readonly batchTokens?: number;
  /** Device of the computation. @default 'cpu' */
  readonly device?: DeviceName | 'auto' | undefined;
  /** Precision of matrix products. @default 'float32' */
  readonly precision?: Precision | undefined;
  /** Ranks that share the pairs; all make the same call. @default singleProcess */
  readonly communicator?: Communicator | undefined;
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
  options: ReferenceOptions = {},
): Promise<(Pair & ReferencedPair)[]> {
  const source = sourceOf<PolicyPair>(pairs, { length: pairLength, weight: pairWeight });
  const sums = await measurePairs({ config, weights }, source, options);
  return pairs.map((pair, index) => referenced(pair, sums, index));
}

/**
 * Adds to pairs that are read when they are needed what a model says of each, as `referenceLogProbabilities` does. Two numbers for
 * each pair are in memory.
 */
export async function withReference(
  model: ReferenceModel,
  pairs: ExampleSource<PolicyPair>,
  options: ReferenceOptions = {},
): Promise<ExampleSource<ReferencedPair>> {
  const sums = await measurePairs(model, pairs, options);
  return {
    count: pairs.count,
    length: pairs.length,
    weight: pairs.weight,
    async read(indices) {
      const read = await pairs.read(indices);
      return read.map((pair, place) => referenced(pair, sums, elementAt(indices, place)));
    },
    *identity() {
      yield* pairs.identity();
      yield sha256(sums);
    },
  };
}

/** A frozen model. */
interface ReferenceModel {
  readonly config: ModelConfig;
  readonly weights: Readonly<Record<string, AnyArray<'float32'>>>;
}

function referenced<Pair extends PolicyPair>(
  pair: Pair,
  sums: Float64Array,
  index: number,
): Pair & ReferencedPair {
  const reference: PairLogProbabilities = {
    chosen: elementAt(sums, 2 * index),
    rejected: elementAt(sums, 2 * index + 1),
  };
  return { ...pair, reference };
}

/** Measures the sums of log probabilities: of pair i at 2 i that of the chosen response, and then that of the rejected one. */
async function measurePairs(
  { config, weights }: ReferenceModel,
  pairs: ExampleSource<PolicyPair>,
  {
    batchTokens = 8192,
    device = 'cpu',
    precision,
    communicator = singleProcess,
    signal,
    onProgress,
  }: ReferenceOptions,
): Promise<Float64Array> {
  const reader = createReader({ config, weights }, { device, precision });
  const sums = new Float64Array(2 * pairs.count);
  let measured = 0;
  try {
    for (const [place, batch] of batchesOf(pairs, batchTokens).entries()) {
      signal?.throwIfAborted();
      measured += batch.length;
      if (place % communicator.size !== communicator.rank) continue;
      const examples = (await pairs.read(batch)).flatMap(({ chosen, rejected }) => [chosen, rejected]);
      const length = Math.max(...examples.map(({ ids }) => ids.length));
      const supervised = supervisedTokens(examples, examples.length, length);
      const { data } = await reader.logProbabilities(supervised, signal);
      for (let i = 0; i < supervised.count; i++) {
        const row = elementAt(supervised.rows.data, i);
        const pair = 2 * elementAt(batch, Math.floor(row / 2)) + (row % 2);
        sums[pair] = elementAt(sums, pair) + elementAt(data, i);
      }
      onProgress?.(measured, pairs.count);
    }
    // Each rank has written the pairs of its batches, and the others are 0 there.
    await communicator.allReduceSum(sums);
  } finally {
    reader.dispose();
  }
  return sums;
}

/** Compiles what a frozen model says of the supervised tokens of sequences. */
function createReader(
  { config, weights }: ReferenceModel,
  { device, precision }: { readonly device: DeviceName | 'auto'; readonly precision: Precision | undefined },
) {
  const placed = placedOnce(weights, device);
  const run = compile(
    (inputs: {
      weights: WeightTensors;
      tables: PositionTables;
      tokens: tf.Tensor2D;
      positions: tf.Tensor1D;
    }) => {
      const states = hiddenStates(config, inputs.weights, inputs.tokens, inputs.tables);
      return { states: tf.gather(states, inputs.positions) };
    },
    {
      ...{ device, precision, resident: ['states'] },
      dimensions: { ...positionDimensions, tokens: ['B', 'T'], positions: ['P'] },
    },
  );
  const head = createTokenHead(config, { device, precision });
  const tablesFor = growingPositionArrays(config);
  return {
    async logProbabilities(
      { tokens, positions, targets }: SupervisedTokens,
      signal: AbortSignal | undefined,
    ): Promise<NDArray> {
      const read = await placed.get();
      const inputs = { weights: read, tables: tablesFor(tokens.shape[1]), tokens, positions };
      const { states } = await run(inputs, { signal });
      try {
        return await head.logProbabilities({ weights: read, states }, targets, signal);
      } finally {
        disposeArrays({ states });
      }
    },
    dispose() {
      for (const each of [run, head, placed]) each.dispose();
    },
  };
}

/** Indices of pairs of similar length, the longest first: should memory not suffice, this shows at once. */
function batchesOf(pairs: ExampleSource<PolicyPair>, batchTokens: number): number[][] {
  const order = byLength(pairs).reverse();
  const batches: number[][] = [];
  for (let start = 0; start < order.length; ) {
    const rows = Math.max(1, Math.floor(batchTokens / (2 * pairs.length(elementAt(order, start)))));
    batches.push(order.slice(start, start + rows));
    start += rows;
  }
  return batches;
}
