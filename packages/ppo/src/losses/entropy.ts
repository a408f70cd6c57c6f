import * as tf from '@tensorflow/tfjs-core';

/**
 * Computes the entropy of next-token distributions in nats: -sum over the vocabulary of pi log pi.
 *
 * @param logits `[P, V]`
 * @returns `[P]`
 */
export function entropies(logits: tf.Tensor2D): tf.Tensor1D {
  const log = tf.logSoftmax(logits);
  const expected: tf.Tensor1D = tf.sum(tf.mul(tf.exp(log), log), -1);
  return tf.neg(expected);
}
