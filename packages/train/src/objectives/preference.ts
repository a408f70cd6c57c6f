import { float32, int32 } from '@gram/engine';
import { labelLogitsOf, stateAt, vocabularyLogits } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { type PreferenceExample, pairWeight } from '../examples/kinds.js';
import {
  halves,
  lastPositions,
  type Matrix,
  padRows,
  type Rotations,
  rowWeights,
  type Vector,
  weightedSum,
} from './batch.js';
import type { Objective } from './objective.js';
import { fullVocabularyLoss, shareCorrect, smoothedRankingLoss } from './smoothing.js';

type PreferenceBatch = {
  /** `[rows, length]` */
  readonly tokens: Matrix<'int32'>;
  readonly tables?: Rotations;
  /** `[rows]`: the last token of each prompt. */
  readonly last: Vector<'int32'>;
  /** `[rows]`: 1 where A is right, -1 where B is. */
  readonly signs: Vector<'float32'>;
  /** `[rows]`: the weight of each example. */
  readonly weights: Vector<'float32'>;
  /** `[rows]`: the token of the right label, where probabilities are normalized over all tokens. */
  readonly targets?: Vector<'int32'>;
};

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
}: PreferenceOptions): Objective<PreferenceExample, PreferenceBatch, 'accuracy'> {
  const full = vocabulary === 'full';
  return {
    name: `preference, smoothing ${labelSmoothing}, labels ${labels}${full ? ', full vocabulary' : ''}`,
    metrics: ['accuracy'],
    perToken: [],
    length: ({ ids }) => ids.length,
    weight: pairWeight,
    inEpoch: inOrder,
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
        weights: rowWeights(examples.map(pairWeight), rows, total),
      };
    },
    loss(config, weights, { tokens, last, signs, targets, weights: shares, tables }) {
      const state = stateAt(config, weights, tokens, last, tables);
      let margins: tf.Tensor1D;
      let losses: tf.Tensor1D;
      if (targets) {
        const logits = vocabularyLogits(config, weights, state);
        margins = marginsOf(tf.gather(logits, tf.tensor1d([...labels], 'int32'), 1), signs);
        losses = fullVocabularyLoss(logits, targets, margins, labelSmoothing);
      } else {
        margins = marginsOf(labelLogitsOf(config, weights, state, labels), signs);
        losses = smoothedRankingLoss(margins, labelSmoothing);
      }
      return {
        loss: weightedSum(losses, shares),
        metrics: { accuracy: shareCorrect(margins, shares) },
      };
    },
  };
}

/** The logit of the right label minus that of the other, of `[N, 2]` logits of A and B: `[N]`. */
function marginsOf(pair: tf.Tensor2D, signs: tf.Tensor1D): tf.Tensor1D {
  const [a, b] = halves(pair, 1);
  return tf.mul(tf.reshape(tf.sub(a, b), [-1]), signs);
}

/** Odd epochs read the other order, so that a record seen twice teaches its responses and not their places. */
function inOrder({ ids, label, swapped, weight }: PreferenceExample, epoch: number): PreferenceExample {
  const weighted = weight === undefined ? {} : { weight };
  if (swapped === undefined || epoch % 2 === 0) return { ids, label, ...weighted };
  return { ids: swapped, label: label === 0 ? 1 : 0, ...weighted };
}
