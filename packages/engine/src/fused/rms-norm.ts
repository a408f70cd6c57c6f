import * as tf from '@tensorflow/tfjs-core';
import { customGradient } from './custom-gradient.js';
import { fusedKernel } from './kernel.js';

/**
 * Root mean square normalization of the last axis (Zhang and Sennrich 2019): y = g * x / sqrt(mean(x^2) + eps). It is traced as
 * `SimplifiedLayerNormalization`.
 *
 * The gradient is written out, because the one that TensorFlow.js derives keeps and computes about twice as many arrays of the
 * size of `x`. With r = 1/sqrt(mean(x^2) + eps) and e = dy x:
 * dx = r g dy - x r^3 (e . g) / D,  dg = sum over n of r e.
 *
 * @param x `[N, D]`; without a gradient any shape `[..., D]`
 * @param gain `[D]`
 * @returns the shape of `x`
 */
export function rmsNorm<T extends tf.Tensor>(x: T, gain: tf.Tensor, eps: number): T {
  const withGradients = customGradient(([input, g]: [tf.Tensor, tf.Tensor], save) => {
    const [value, root] = fusedKernel('GramRmsNorm', { x: input, gain: g }, { eps }, () => {
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(input), -1, true), eps));
      return [tf.mul(tf.mul(input, scale), g), scale];
    }) as [tf.Tensor, tf.Tensor];
    save([input, root, g]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [before, r, weights] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const width = weights.size;
        const e = tf.mul(dy, before) as tf.Tensor2D;
        const along = tf.matMul(e, tf.reshape(weights, [width, 1]));
        const pull = tf.mul(tf.mul(along, tf.mul(tf.square(r), r)), 1 / width);
        const dx = tf.sub(tf.mul(tf.mul(dy, weights), r), tf.mul(before, pull));
        return [dx, tf.reshape(tf.matMul(r as tf.Tensor2D, e, true), [width])];
      },
    };
  });
  return withGradients(x, gain) as T;
}
