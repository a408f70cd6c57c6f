import { int32, type NDArray } from '@gram/engine';
import type { ModelConfig, ModelTensors } from '@gram/model';
import type * as tf from '@tensorflow/tfjs-core';

/** The arrays of one micro-batch, by name. */
export type Batch<T> = Readonly<Record<string, T>>;

/** Loss and metrics of a micro-batch. */
export interface ObjectiveResult {
  readonly loss: tf.Scalar;
  /**
   * Weighted means over the examples, under the names that the objective lists. Made inside of the gradient's scope, so
   * each must be kept (`tf.keep`).
   */
  readonly metrics?: Readonly<Record<string, tf.Scalar>>;
}

/**
 * A training objective: how examples become arrays, and the loss over them.
 *
 * Every example has a weight in the batch, and the weights of one optimizer step sum to 1: so a step
 * is the same however it is cut into micro-batches.
 */
export interface Objective<Example> {
  /** Names the loss and its constants; runs of different objectives do not resume each other. */
  readonly name: string;
  /** Names of the metrics beside the loss, such as `accuracy`, the share of pairs that are ordered correctly. */
  readonly metrics: readonly string[];
  /** Length of the longest sequence of an example, in tokens. */
  length(example: Example): number;
  /** How much an example counts: supervised tokens, or 1 for a pair. */
  weight(example: Example): number;
  /**
   * Arrays of `rows` examples of at most `length` tokens, the tokens as `tokens`; missing examples weigh nothing.
   *
   * @param total weight of all examples of the optimizer step
   */
  batch(examples: readonly Example[], rows: number, length: number, total: number): Batch<NDArray>;
  /** The weighted sum of the examples' losses. */
  loss(config: ModelConfig, weights: ModelTensors, batch: Batch<tf.Tensor>): ObjectiveResult;
}

/** Sequences as rows of equal length, padded on the right with token 0; missing rows are all padding. */
export function padRows(
  sequences: readonly (readonly number[])[],
  rows: number,
  length: number,
): NDArray<'int32'> {
  const data = new Int32Array(rows * length);
  for (const [row, ids] of sequences.entries()) data.set(ids, row * length);
  return int32([rows, length], data);
}

/** The index of each sequence's last token, `[rows]`; 0 for a missing one. */
export function lastPositions(sequences: readonly (readonly number[])[], rows: number): NDArray<'int32'> {
  return int32(
    [rows],
    Int32Array.from({ length: rows }, (_, row) => Math.max(0, (sequences[row]?.length ?? 1) - 1)),
  );
}

/** One weight per row, `1 / total` each; 0 for a missing one. */
export function rowWeights(present: number, rows: number, total: number): Float32Array {
  return Float32Array.from({ length: rows }, (_, row) => (row < present ? 1 / total : 0));
}
