import { float32, int32 } from '@gram/engine';
import { nextTokenLosses } from '@gram/model';
import * as tf from '@tensorflow/tfjs';
import { type Objective, padRows } from './objective.js';

/** A sequence of which the tokens from `lossFrom` on are to be predicted. */
export interface GenerationExample {
  readonly ids: readonly number[];
  /** Index of the first supervised token, at least 1. */
  readonly lossFrom: number;
}

/**
 * Stage 1 of GRAM: learn to write both responses from the prompt, without labels.
 *
 *     L_pre = -log pi([y_a, y_b] | x), the mean over all supervised tokens of the step
 *
 * The head runs at supervised positions only.
 */
export const pairGeneration: Objective<GenerationExample> = {
  name: 'pair-generation',
  ordersPairs: false,
  length: ({ ids }) => ids.length,
  weight: ({ ids, lossFrom }) => ids.length - lossFrom,
  batch(examples, rows, length, total) {
    const positions: number[] = [];
    const targets: number[] = [];
    for (const [row, { ids, lossFrom }] of examples.entries()) {
      for (let t = lossFrom; t < ids.length; t++) {
        positions.push(row * length + t - 1);
        targets.push(ids[t]!);
      }
    }
    // Few different sizes, so that few graphs are compiled.
    const unit = Math.max(1, Math.ceil((rows * length) / 8));
    const size = Math.max(1, Math.ceil(positions.length / unit)) * unit;
    const padded = (values: readonly number[]) =>
      int32(
        [size],
        Int32Array.from({ length: size }, (_, i) => values[i] ?? 0),
      );
    return {
      tokens: padRows(
        examples.map(({ ids }) => ids),
        rows,
        length,
      ),
      positions: padded(positions),
      targets: padded(targets),
      weights: float32(
        [size],
        Float32Array.from({ length: size }, (_, i) => (i < positions.length ? 1 / total : 0)),
      ),
    };
  },
  loss(config, weights, batch) {
    const losses = nextTokenLosses(
      config,
      weights,
      batch.tokens as tf.Tensor2D,
      batch.positions as tf.Tensor1D,
      batch.targets as tf.Tensor1D,
    );
    return { loss: tf.sum(tf.mul(losses, batch.weights as tf.Tensor)) as tf.Scalar };
  },
};
