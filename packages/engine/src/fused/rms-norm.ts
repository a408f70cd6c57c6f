import * as tf from '@tensorflow/tfjs';
import { fusedKernel } from './kernel.js';

/**
 * Root mean square normalisation of the last axis (Zhang and Sennrich 2019):
 * y = g * x / sqrt(mean(x^2) + eps). Traced as `SimplifiedLayerNormalization`.
 *
 * The gradient is written out, because the one derived from the formula keeps and computes about
 * twice as many arrays of the size of `x`:
 * with r = 1/sqrt(mean(x^2) + eps), n = r x, d = g dy:  dx = r (d - n mean(d n)),  dg = sum(n dy).
 *
 * @param x `[N, D]`
 * @param gain `[D]`
 * @returns `[N, D]`
 */
export function rmsNorm(x: tf.Tensor, gain: tf.Tensor, eps: number): tf.Tensor2D {
  return tf.customGrad((...args) => {
    const [input, g, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const [value, r] = fusedKernel('GramRmsNorm', { x: input, gain: g }, { eps }, () => {
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(input), -1, true), eps));
      return [tf.mul(tf.mul(input, scale), g), scale];
    }) as [tf.Tensor, tf.Tensor];
    save([input, r, g]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [before, scale, weights] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const n = tf.mul(before, scale);
        const d = tf.mul(dy, weights);
        const along = tf.mean(tf.mul(d, n), -1, true);
        return [tf.mul(tf.sub(d, tf.mul(n, along)), scale), tf.sum(tf.mul(dy, n), 0)];
      },
    };
  })(x, gain) as tf.Tensor2D;
}
