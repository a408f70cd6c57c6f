import type { ModelConfig, ModelTensors } from '@gram/model';
import type * as tf from '@tensorflow/tfjs-core';
import type { BatchArrays, BatchShape, BatchTensors } from './batch.js';

/** Loss and metrics of a micro-batch. */
export interface ObjectiveResult<Metric extends string = string> {
  readonly loss: tf.Scalar;
  /**
   * Weighted means over the examples. Made inside of the gradient's scope, so each must be kept (`tf.keep`).
   */
  readonly metrics: Readonly<Record<Metric, tf.Scalar>>;
}

/**
 * A training objective: how examples become arrays, and the loss over them.
 *
 * Every example has a weight in the batch, and the weights of one optimizer step sum to 1: so a step
 * is the same however it is cut into micro-batches.
 *
 * `Shape` names the arrays of a batch and `Metric` the metrics. The trainer only hands what `batch` made to `loss`, so it
 * takes an objective of any shape.
 */
export interface Objective<Example, Shape extends BatchShape = BatchShape, Metric extends string = string> {
  /** Names the loss and its constants; runs of different objectives do not resume each other. */
  readonly name: string;
  /** Names of the metrics beside the loss, such as `accuracy`, the share of pairs that are ordered correctly. */
  readonly metrics: readonly Metric[];
  /** Length of the longest sequence of an example, in tokens. */
  length(example: Example): number;
  /** How much an example counts: supervised tokens, or 1 for a pair. */
  weight(example: Example): number;
  /** The form that an example has in an epoch, counted from 0; a pure function. @default the same form in all epochs */
  inEpoch?(example: Example, epoch: number): Example;
  /**
   * Arrays of `rows` examples of at most `length` tokens; missing examples weigh nothing.
   *
   * @param total weight of all examples of the optimizer step
   */
  batch(examples: readonly Example[], rows: number, length: number, total: number): BatchArrays<Shape>;
  /**
   * Names of the arrays of a batch whose only size, the number P of supervised tokens, differs from batch to batch; the other sizes
   * follow from the number of rows. With it, one graph serves all lengths. The loss then has to read `tables`.
   *
   * @default a graph for each set of shapes
   */
  readonly perToken?: readonly string[];
  /** The weighted sum of the examples' losses. */
  loss(config: ModelConfig, weights: ModelTensors, batch: BatchTensors<Shape>): ObjectiveResult<Metric>;
}
