import * as tf from '@tensorflow/tfjs-core';

/**
 * How KL(policy || reference) is estimated at a token that the policy drew, with l = log pi - log pi_ref of it
 * (Schulman 2020, "Approximating KL divergence"):
 *
 * - `k1`: l. Unbiased, may be negative. As a loss its expected gradient is zero: use it in the reward.
 * - `k2`: l^2 / 2. Biased; as a loss its expected gradient is that of the KL divergence.
 * - `k3`: exp(-l) - 1 + l. Unbiased and never negative.
 * - `full`: the exact divergence of the two next-token distributions; needs both over the whole vocabulary.
 */
export type KlEstimator = 'k1' | 'k2' | 'k3' | 'full';

/** `k1`, `k2` or `k3` from log-probabilities of a drawn token, in nats. */
export function klEstimate(
  estimator: Exclude<KlEstimator, 'full'>,
  logProbability: number,
  reference: number,
): number {
  const l = logProbability - reference;
  if (estimator === 'k1') return l;
  return estimator === 'k2' ? (l * l) / 2 : Math.expm1(-l) + l;
}

/** `klEstimate` on tensors, for use in a loss: `[P]`, `[P]` to `[P]`. */
export function klTerms(
  estimator: Exclude<KlEstimator, 'full'>,
  logProbabilities: tf.Tensor1D,
  reference: tf.Tensor1D,
): tf.Tensor1D {
  const l = tf.sub(logProbabilities, reference) as tf.Tensor1D;
  if (estimator === 'k1') return l;
  if (estimator === 'k2') return tf.mul(tf.square(l), 0.5);
  return tf.add(tf.sub(tf.exp(tf.neg(l)), 1), l);
}

/**
 * Exact KL divergence of next-token distributions in nats: sum over the vocabulary of pi (log pi - log pi_ref).
 *
 * @param logits `[P, V]`, as `reference`
 * @returns `[P]`
 */
export function fullKl(logits: tf.Tensor2D, reference: tf.Tensor2D): tf.Tensor1D {
  const log = tf.logSoftmax(logits);
  return tf.sum(tf.mul(tf.exp(log), tf.sub(log, tf.logSoftmax(reference))), -1);
}
