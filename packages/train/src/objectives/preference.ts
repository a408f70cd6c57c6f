import { float32, int32 } from '@gram/engine';
import { labelLogits, stateAt, vocabularyLogits } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { lastPositions, type Objective, padRows, rowWeights } from './objective.js';
import { fullVocabularyLoss, shareCorrect, smoothedRankingLoss } from './smoothing.js';

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
  /**
   * Over what the probabilities of the labels are normalized: the two labels, as the authors' code does, or all tokens, as
   * their training figure draws it. All tokens need the whole head at one position of each prompt. @default 'labels'
   */
  readonly vocabulary?: 'labels' | 'full';
}

/**
 * Stage 2 of GRAM: predict the label of the better response, with label smoothing.
 *
 *     L_ft = -(1 - eps) log pi(l | s) - eps log pi(o | s)
 *
 * with l the right label and o the other. Over the two labels that is -log sigmoid(D) + eps D, D the logit of l minus that
 * of o; over all tokens `fullVocabularyLoss`. The model runs to the last position of the prompt and reads nothing else; over
 * the two labels only their rows of the head are computed.
 */
export function preference({
  labels,
  labelSmoothing = 0.1,
  vocabulary = 'labels',
}: PreferenceOptions): Objective<PreferenceExample> {
  const full = vocabulary === 'full';
  return {
    name: `preference, smoothing ${labelSmoothing}, labels ${labels}${full ? ', full vocabulary' : ''}`,
    metrics: ['accuracy'],
    length: ({ ids }) => ids.length,
    weight: () => 1,
    batch(examples, rows, length, total) {
      const sequences = examples.map(({ ids }) => ids);
      const right = Array.from({ length: rows }, (_, row) => examples[row]?.label ?? 0);
      return {
        tokens: padRows(sequences, rows, length),
        last: lastPositions(sequences, rows),
        signs: float32(
          [rows],
          Float32Array.from(right, (label) => (label === 1 ? -1 : 1)),
        ),
        ...(full && {
          targets: int32(
            [rows],
            Int32Array.from(right, (label) => labels[label]),
          ),
        }),
        weights: float32([rows], rowWeights(examples.length, rows, total)),
      };
    },
    loss(config, weights, batch) {
      const tokens = batch.tokens as tf.Tensor2D;
      const last = batch.last as tf.Tensor1D;
      const marginsOf = (pair: tf.Tensor2D) => {
        const [a, b] = tf.split(pair, 2, 1) as [tf.Tensor, tf.Tensor];
        return tf.mul(tf.reshape(tf.sub(a, b), [-1]), batch.signs as tf.Tensor) as tf.Tensor1D;
      };
      let margins: tf.Tensor1D;
      let losses: tf.Tensor1D;
      if (full) {
        const logits = vocabularyLogits(config, weights, stateAt(config, weights, tokens, last));
        margins = marginsOf(tf.gather(logits, tf.tensor1d([...labels], 'int32'), 1));
        losses = fullVocabularyLoss(logits, batch.targets as tf.Tensor1D, margins, labelSmoothing);
      } else {
        margins = marginsOf(labelLogits(config, weights, tokens, last, labels));
        losses = smoothedRankingLoss(margins, labelSmoothing);
      }
      return {
        loss: tf.sum(tf.mul(losses, batch.weights as tf.Tensor)) as tf.Scalar,
        metrics: { accuracy: shareCorrect(margins, batch.weights as tf.Tensor1D) },
      };
    },
  };
}
