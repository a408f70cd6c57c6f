import * as tf from '@tensorflow/tfjs-core';

/**
 * Computes the clipped value loss of PPO (Schulman et al. 2016 code, Engstrom et al. 2020), for each token:
 *
 *     max((V - R)^2, (clip(V, V_old - c, V_old + c) - R)^2) / 2
 *
 * @param values under the value model in training, `[P]`
 * @param old under the value model that the advantages came from, `[P]`
 * @param returns R, `[P]`
 * @param clip c, in units of the return
 * @returns `[P]`
 */
export function valueLosses(
  values: tf.Tensor1D,
  old: tf.Tensor1D,
  returns: tf.Tensor1D,
  clip: number,
): tf.Tensor1D {
  const moved = tf.clipByValue(tf.sub(values, old), -clip, clip);
  const free = tf.square(tf.sub(values, returns));
  const bounded = tf.square(tf.sub(tf.add(old, moved), returns));
  return tf.mul(tf.maximum(free, bounded), 0.5);
}
