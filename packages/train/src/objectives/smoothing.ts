import { crossEntropy } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import { weightedSum } from './batch.js';

/**
 * How the strength of label smoothing is counted.
 *
 * - `paper`: the wrong label gets weight eps (GRAM, training figure).
 * - `uniform-mix`: the label is mixed with the uniform distribution over K = 2 labels, so the wrong
 *   one gets eps / 2 (PyTorch's `CrossEntropyLoss`, the authors' code).
 */
export type SmoothingConvention = 'paper' | 'uniform-mix';

/** Converts a smoothing strength to the paper's convention: eps_paper = eps_mix (K - 1) / K, K = 2. */
export function paperSmoothing(eps: number, convention: SmoothingConvention): number {
  return convention === 'paper' ? eps : eps / 2;
}

/**
 * The smoothed pairwise ranking loss of each margin:
 *
 *     L(D) = -(1 - eps) log sigmoid(D) - eps log sigmoid(-D) = -log sigmoid(D) + eps D
 *
 * D is the logit of the correct label minus the other's (stage 2), or the reward of the chosen
 * response minus the rejected one's (Bradley-Terry). It is lowest at D = log((1 - eps) / eps); eps = 0
 * is the plain ranking loss.
 *
 * @param margins `[N]`
 * @param eps in the paper's convention, 0 <= eps < 0.5
 * @returns `[N]`
 */
export function smoothedRankingLoss(margins: tf.Tensor1D, eps: number): tf.Tensor1D {
  const ranking = tf.softplus(tf.neg(margins));
  return eps === 0 ? ranking : tf.add(ranking, tf.mul(margins, eps));
}

/**
 * The smoothed loss of a label with pi normalized over the whole vocabulary, as GRAM's training figure draws it:
 *
 *     L_full = -(1 - eps) log pi(l | s) - eps log pi(o | s) = -log pi(l | s) + eps D
 *
 * It exceeds the loss over the two labels by lse_V - lse_AB, -log of the probability of answering with a label at all.
 *
 * @param logits `[N, V]`
 * @param labels `[N]` int32, the correct label l
 * @param margins `[N]`, D, the logit of l minus that of the other label o
 * @param eps in the paper's convention, 0 <= eps < 0.5
 * @returns `[N]`
 */
export function fullVocabularyLoss(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
  margins: tf.Tensor1D,
  eps: number,
): tf.Tensor1D {
  const losses = crossEntropy(logits, labels);
  return eps === 0 ? losses : tf.add(losses, tf.mul(margins, eps));
}

/** The weighted share of positive margins, as a scalar outside of the gradient. */
export function shareCorrect(margins: tf.Tensor1D, weights: tf.Tensor1D): tf.Scalar {
  const isCorrect: tf.Tensor1D = tf.greater(margins, 0);
  return tf.keep(weightedSum(tf.cast(isCorrect, 'float32'), weights));
}
