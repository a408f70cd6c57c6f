import * as tf from '@tensorflow/tfjs';
import { fusedKernel } from './kernel.js';

/**
 * Cross-entropy of one target in each row: -log softmax(logits)[target].
 *
 * Pass the logits of the rows that have a target and no others. Traced with `LogSoftmax`, which
 * TensorFlow.js has only in parts. The logarithms of the softmax are kept, and the
 * gradient, dy (softmax - onehot), is made from them without a one-hot array.
 *
 * @param logits `[P, V]`
 * @param targets `[P]` int32
 * @returns `[P]`
 */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor1D {
  return tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tf.Tensor2D, tf.GradSaveFunc];
    const [logarithms] = fusedKernel('GramLogSoftmax', { x }, {}, () => [tf.logSoftmax(x)]) as [tf.Tensor];
    const places = tf.stack([tf.range(0, x.shape[0], 1, 'int32'), targets], 1) as tf.Tensor2D;
    const chosen = tf.gatherND(logarithms, places);
    save([logarithms, places, chosen]);
    return {
      value: tf.neg(chosen),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [logs, at, picked] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor];
        const others = tf.mul(tf.exp(logs), tf.expandDims(dy, 1));
        return tf.tensorScatterUpdate(others, at, tf.mul(tf.sub(tf.exp(picked), 1), dy));
      },
    };
  })(logits) as tf.Tensor1D;
}
