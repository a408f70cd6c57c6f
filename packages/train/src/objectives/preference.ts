import { float32 } from '@gram/engine';
import { labelLogits } from '@gram/model';
import * as tf from '@tensorflow/tfjs';
import { lastPositions, type Objective, padRows, rowWeights } from './objective.js';
import { shareCorrect, smoothedRankingLoss } from './smoothing.js';

/** A judge prompt and which label is right: 0 for the first response, 1 for the second. */
export interface PreferenceExample {
  readonly ids: readonly number[];
  readonly label: 0 | 1;
}

/** Options of the preference objective. */
export interface PreferenceOptions {
  /** Token ids of the labels A and B. */
  readonly labels: readonly [number, number];
  /** Label smoothing in the paper's convention. @default 0.1 */
  readonly labelSmoothing?: number;
}

/**
 * Stage 2 of GRAM: predict the label of the better response, with label smoothing.
 *
 *     L_ft = -(1 - eps) log pi(l | s) - eps log pi(other | s) = -log sigmoid(D) + eps D
 *
 * with pi normalised over the two labels and D the logit of the right label minus the other's. Only
 * the last position of the prompt and the two label rows of the head are computed.
 */
export function preference({
  labels,
  labelSmoothing = 0.1,
}: PreferenceOptions): Objective<PreferenceExample> {
  return {
    name: `preference, smoothing ${labelSmoothing}, labels ${labels}`,
    metrics: ['accuracy'],
    length: ({ ids }) => ids.length,
    weight: () => 1,
    batch(examples, rows, length, total) {
      const sequences = examples.map(({ ids }) => ids);
      return {
        tokens: padRows(sequences, rows, length),
        last: lastPositions(sequences, rows),
        signs: float32(
          [rows],
          Float32Array.from({ length: rows }, (_, i) => (examples[i]?.label === 1 ? -1 : 1)),
        ),
        weights: float32([rows], rowWeights(examples.length, rows, total)),
      };
    },
    loss(config, weights, batch) {
      const logits = labelLogits(
        config,
        weights,
        batch.tokens as tf.Tensor2D,
        batch.last as tf.Tensor1D,
        labels,
      );
      const [a, b] = tf.split(logits, 2, 1) as [tf.Tensor, tf.Tensor];
      const margins = tf.mul(tf.reshape(tf.sub(a, b), [-1]), batch.signs as tf.Tensor) as tf.Tensor1D;
      const losses = smoothedRankingLoss(margins, labelSmoothing);
      return {
        loss: tf.sum(tf.mul(losses, batch.weights as tf.Tensor)) as tf.Scalar,
        metrics: { accuracy: shareCorrect(margins, batch.weights as tf.Tensor1D) },
      };
    },
  };
}
