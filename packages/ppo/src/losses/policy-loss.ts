import * as tf from '@tensorflow/tfjs-core';

/** Bounds of the probability ratio. */
export interface ClipRange {
  /** Distance of the lower bound from 1. */
  readonly low: number;
  /** Distance of the upper bound from 1. Larger than `low` in DAPO (Yu et al. 2025, "clip-higher"). */
  readonly high: number;
}

/** Terms of PPO's policy loss, `[P]` each. */
export interface PolicyTerms {
  /** Losses, which the policy minimizes. */
  readonly losses: tf.Tensor1D;
  /** Logarithms of the probability ratio of the new to the old policy. */
  readonly logRatios: tf.Tensor1D;
  /** 1 where the clipped term is the larger one, and the token gives no gradient; else 0. */
  readonly clipped: tf.Tensor1D;
}

/**
 * Computes the clipped surrogate (Schulman et al. 2017, equation 7), negated, for each token:
 *
 *     max(-A rho, -A clip(rho, 1 - low, 1 + high)),  rho = pi(y) / pi_old(y)
 *
 * @param logProbabilities under the policy in training, `[P]`
 * @param old under the policy that drew the tokens, `[P]`
 * @param advantages `[P]`
 */
export function policyTerms(
  logProbabilities: tf.Tensor1D,
  old: tf.Tensor1D,
  advantages: tf.Tensor1D,
  { low, high }: ClipRange,
): PolicyTerms {
  const logRatios: tf.Tensor1D = tf.sub(logProbabilities, old);
  const ratios = tf.exp(logRatios);
  const cost = tf.neg(advantages);
  const free: tf.Tensor1D = tf.mul(cost, ratios);
  const bounded: tf.Tensor1D = tf.mul(cost, tf.clipByValue(ratios, 1 - low, 1 + high));
  const isClipped: tf.Tensor1D = tf.greater(bounded, free);
  return {
    losses: tf.maximum(free, bounded),
    logRatios,
    clipped: tf.cast(isClipped, 'float32'),
  };
}
