import * as tf from '@tensorflow/tfjs-core';

/** Names of the estimators, see `KlEstimator`. */
export const klEstimators = ['k1', 'k2', 'k3', 'full'] as const;

/**
 * Estimator of KL(policy || reference) at a token that the policy drew, with l = log pi - log pi_ref of it
 * (Schulman 2020, "Approximating KL divergence"):
 *
 * - `k1`: l. Unbiased, may be negative. As a loss its expected gradient is zero: use it in the reward.
 * - `k2`: l^2 / 2. Biased; as a loss its expected gradient is that of the KL divergence.
 * - `k3`: exp(-l) - 1 + l. Unbiased and never negative.
 * - `full`: the exact divergence of the two next-token distributions; needs both over the whole vocabulary.
 */
export type KlEstimator = (typeof klEstimators)[number];

/** Estimates the KL at one drawn token from its log-probabilities, in nats. */
export function klEstimate(
  estimator: Exclude<KlEstimator, 'full'>,
  logProbability: number,
  reference: number,
): number {
  const l = logProbability - reference;
  if (estimator === 'k1') return l;
  return estimator === 'k2' ? (l * l) / 2 : Math.expm1(-l) + l;
}

/** Estimates the KL as `klEstimate` does, on tensors for use in a loss: `[P]`, `[P]` to `[P]`. */
export function klTerms(
  estimator: Exclude<KlEstimator, 'full'>,
  logProbabilities: tf.Tensor1D,
  reference: tf.Tensor1D,
): tf.Tensor1D {
  const l: tf.Tensor1D = tf.sub(logProbabilities, reference);
  if (estimator === 'k1') return l;
  if (estimator === 'k2') return tf.mul(tf.square(l), 0.5);
  return tf.add(tf.sub(tf.exp(tf.neg(l)), 1), l);
}

/**
 * Computes the exact KL divergence of next-token distributions in nats: sum over the vocabulary of pi (log pi - log pi_ref).
 *
 * @param logits `[P, V]`, as `reference`
 * @returns `[P]`
 */
export function fullKl(logits: tf.Tensor2D, reference: tf.Tensor2D): tf.Tensor1D {
  const log = tf.logSoftmax(logits);
  return tf.sum(tf.mul(tf.exp(log), tf.sub(log, tf.logSoftmax(reference))), -1);
}
