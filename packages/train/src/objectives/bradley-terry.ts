import { float32 } from '@gram/engine';
import { values } from '@gram/model';
import * as tf from '@tensorflow/tfjs';
import { lastPositions, type Objective, padRows, rowWeights } from './objective.js';
import { shareCorrect, smoothedRankingLoss } from './smoothing.js';

/** The same prompt with its chosen and its rejected response. */
export interface RewardExample {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
}

/**
 * The discriminative baseline: a scalar reward at the last token, trained with Bradley-Terry.
 *
 *     L_d = -log sigmoid(r(x, y_w) - r(x, y_l))
 *
 * @param labelSmoothing in the paper's convention. @default 0
 */
export function bradleyTerry(labelSmoothing = 0): Objective<RewardExample> {
  return {
    name: `bradley-terry, smoothing ${labelSmoothing}`,
    metrics: ['accuracy'],
    length: ({ chosen, rejected }) => Math.max(chosen.length, rejected.length),
    weight: () => 1,
    batch(examples, rows, length, total) {
      // Chosen responses first, then the rejected ones in the same order.
      const half = (side: 'chosen' | 'rejected') =>
        Array.from({ length: rows }, (_, row) => examples[row]?.[side] ?? []);
      const sequences = [...half('chosen'), ...half('rejected')];
      return {
        tokens: padRows(sequences, 2 * rows, length),
        last: lastPositions(sequences, 2 * rows),
        weights: float32([rows], rowWeights(examples.length, rows, total)),
      };
    },
    loss(config, weights, batch) {
      const rewards = values(config, weights, batch.tokens as tf.Tensor2D, batch.last as tf.Tensor1D);
      const [chosen, rejected] = tf.split(rewards, 2) as [tf.Tensor1D, tf.Tensor1D];
      const margins = tf.sub(chosen, rejected) as tf.Tensor1D;
      const losses = smoothedRankingLoss(margins, labelSmoothing);
      return {
        loss: tf.sum(tf.mul(losses, batch.weights as tf.Tensor)) as tf.Scalar,
        metrics: { accuracy: shareCorrect(margins, batch.weights as tf.Tensor1D) },
      };
    },
  };
}
