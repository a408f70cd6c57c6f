import * as tf from '@tensorflow/tfjs-core';
import type { DecoderTraits } from '../families/family.js';

/**
 * The gated activation of a feed-forward layer: a(gate) * up.
 *
 * @param gate `[..., F]`
 * @param up `[..., F]`
 * @returns `[..., F]`
 */
export function gated<T extends tf.Tensor>(activation: DecoderTraits['activation'], gate: T, up: T): T {
  return activation === 'silu' ? swiglu(gate, up) : tf.mul(geluTanh(gate), up);
}

/**
 * The approximation of GELU by a hyperbolic tangent (Hendrycks and Gimpel 2016):
 * x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
 */
function geluTanh(x: tf.Tensor): tf.Tensor {
  const cubic = tf.mul(tf.mul(tf.mul(x, x), x), 0.044715);
  const inner = tf.mul(tf.add(x, cubic), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, tf.add(tf.tanh(inner), 1)), 0.5);
}

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
    // TensorFlow.js passes the inputs and then the function, and declares only the inputs.
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
