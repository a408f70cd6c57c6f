import * as tf from '@tensorflow/tfjs-core';

/**
 * The gated activation of Llama's feed-forward layer: silu(gate) * up, silu(a) = a sigmoid(a).
 *
 * The gradient is written out to keep fewer arrays: with s = sigmoid(gate) and h = gate s,
 * d gate = dy up (s + h (1 - s)),  d up = dy h.
 *
 * @param gate `[..., F]`
 * @param up `[..., F]`
 * @returns `[..., F]`
 */
export function swiglu<T extends tf.Tensor>(gate: T, up: T): T {
  return tf.customGrad((...args) => {
    const [a, b, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const s = tf.sigmoid(a);
    const h = tf.mul(a, s);
    save([b, s, h]);
    return {
      value: tf.mul(h, b),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [other, sigmoid, silu] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const slope = tf.add(sigmoid, tf.sub(silu, tf.mul(silu, sigmoid)));
        return [tf.mul(tf.mul(dy, other), slope), tf.mul(dy, silu)];
      },
    };
  })(gate, up) as T;
}
