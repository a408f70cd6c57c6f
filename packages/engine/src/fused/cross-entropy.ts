import * as tf from '@tensorflow/tfjs-core';
import { customGradient } from './custom-gradient.js';
import { fusedKernel } from './kernel.js';

/**
 * Cross-entropy of one target in each row: -log softmax(logits)[target].
 *
 * Pass the logits of the rows that have a target and no others. It is traced with `LogSoftmax`, which TensorFlow.js composes of
 * several operations. The logarithms of the softmax are kept, and the gradient, dy (softmax - onehot), is computed from them
 * without a one-hot array.
 *
 * @param logits `[P, V]`
 * @param targets `[P]` int32
 * @returns `[P]`
 */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor1D {
  const withGradient = customGradient(([x]: [tf.Tensor2D], save) => {
    const { logs, places, chosen } = logProbabilities(x, targets);
    save([logs, places, chosen]);
    return {
      value: tf.neg(chosen),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [logs, places, chosen] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
        return logitGradients({ logs, places, chosen }, dy);
      },
    };
  });
  return withGradient(logits) as tf.Tensor1D;
}

/** Logarithms of the softmax. */
export interface LogProbabilities {
  /** `[P, V]` */
  readonly logs: tf.Tensor2D;
  /** `[P, 2]` int32, the row and the target */
  readonly places: tf.Tensor2D;
  /** `[P]`, the logarithms of the targets */
  readonly chosen: tf.Tensor1D;
}

/** Computes the logarithms of the softmax, those of the targets among them. */
export function logProbabilities(logits: tf.Tensor2D, targets: tf.Tensor1D): LogProbabilities {
  const [logs] = fusedKernel('GramLogSoftmax', { x: logits }, {}, () => [tf.logSoftmax(logits)]) as [
    tf.Tensor2D,
  ];
  const places = tf.stack([tf.range(0, logits.shape[0], 1, 'int32'), targets], 1) as tf.Tensor2D;
  return { logs, places, chosen: tf.gatherND(logs, places) as tf.Tensor1D };
}

/** Computes the gradient `[P, V]` of the sum of the cross-entropies weighted with `dy` `[P]`: dy (softmax - onehot). */
export function logitGradients({ logs, places, chosen }: LogProbabilities, dy: tf.Tensor): tf.Tensor2D {
  const others = tf.mul(tf.exp(logs), tf.expandDims(dy, 1));
  return tf.tensorScatterUpdate(others, places, tf.mul(tf.sub(tf.exp(chosen), 1), dy)) as tf.Tensor2D;
}
