import type { KeysAndValues } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';

/** Share of the range of an integer that the largest number of the prompts takes; what is written later may be larger. */
const FILLED = 0.75;
/** Scale of a feature that is zero throughout. */
const SMALLEST = 1e-12;

/**
 * Scales of a cache in 8-bit integers, from the keys and values of the prompts. Values have one for each feature of a head. Both
 * features of a rotated pair of the keys have the same, by the length of the pair: that is the same at every position, so that what the
 * prompts say about it holds for all positions to come.
 *
 * @param prompts keys after their rotation, and values, `[B, groups, T, headDim]`
 * @param last `[B]` int32, position of the last token of each prompt; what follows is padding
 * @returns `[groups, 1, headDim]` each
 */
export function cacheScales(
  { keys, values }: KeysAndValues,
  last: tf.Tensor1D,
): { keys: tf.Tensor3D; values: tf.Tensor3D } {
  const [, , length] = keys.shape;
  const places = tf.reshape(tf.range(0, length, 1, 'int32'), [1, 1, -1, 1]);
  const isToken = tf.cast(tf.lessEqual(places, tf.reshape(last, [-1, 1, 1, 1])), 'float32');
  const largest = (sizes: tf.Tensor) => tf.expandDims(tf.max(tf.mul(sizes, isToken), [0, 2]), 1);
  const [first, second] = tf.split(keys, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
  const pairs = largest(tf.sqrt(tf.add(tf.square(first), tf.square(second))));
  const scale = (most: tf.Tensor): tf.Tensor3D =>
    tf.maximum(tf.mul(most, 1 / (127 * FILLED)), SMALLEST) as tf.Tensor3D;
  return { keys: scale(tf.concat([pairs, pairs], 2)), values: scale(largest(tf.abs(values))) };
}
