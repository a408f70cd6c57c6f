import * as tf from '@tensorflow/tfjs';
import type { LlamaConfig } from '../config/llama-config.js';

/** Cosines and sines of the rotation at each position, `[T, headDim / 2]`. */
export interface RopeTables {
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
}

/**
 * Rotary position tables (Su et al. 2021): angle(t, i) = t / theta^(2i / headDim).
 *
 * @param scale multiplies both tables; rotating the queries with 1/sqrt(headDim) saves scaling the
 *   scores. @default 1
 */
export function ropeTables({ ropeTheta, headDim }: LlamaConfig, length: number, scale = 1): RopeTables {
  const half = headDim / 2;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let t = 0; t < length; t++) {
    for (let i = 0; i < half; i++) {
      const angle = t / ropeTheta ** ((2 * i) / headDim);
      cos[t * half + i] = Math.cos(angle) * scale;
      sin[t * half + i] = Math.sin(angle) * scale;
    }
  }
  return { cos: tf.tensor2d(cos, [length, half]), sin: tf.tensor2d(sin, [length, half]) };
}

/**
 * Rotates the halves of each head's features, as Hugging Face's Llama does.
 *
 * @param x `[..., headDim]`; the tables must broadcast to `[..., headDim / 2]`.
 */
export function rotate(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const [a, b] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
  return tf.concat([tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))], -1);
}
