import * as tf from '@tensorflow/tfjs';
import { fusedKernel } from './kernel.js';

/**
 * Gradient checkpointing (Chen et al. 2016): the value of `fn`, whose inside is not kept for the gradient but
 * computed again when the gradient is. Memory for one more forward pass of `fn`.
 *
 * @param fn a pure function of `inputs`; the gradient reaches nothing else that it uses
 */
export function recompute<T extends tf.Tensor>(
  fn: (...inputs: tf.Tensor[]) => T,
  inputs: readonly tf.Tensor[],
): T {
  return tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const given = args.slice(0, -1) as tf.Tensor[];
    save(given);
    return {
      value: fn(...given),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        withOwnTape(() =>
          tf.grads(fn)(
            saved.map((tensor) => after(tensor, dy)),
            dy,
          ),
        ),
    };
  })(...inputs) as T;
}

/**
 * TensorFlow.js keeps one list of what it has to differentiate, and drops it at the end of a gradient, although
 * this one is taken inside of another that still needs it.
 */
function withOwnTape<T>(run: () => T): T {
  const { state } = tf.engine() as unknown as { state: { activeTape: unknown } };
  const outer = state.activeTape;
  try {
    return run();
  } finally {
    state.activeTape = outer;
  }
}

/**
 * `x`, not before `signal` is known. Without it, what is computed again in a graph would be equal to what was
 * computed before, and both would be merged and kept.
 */
function after(x: tf.Tensor, signal: tf.Tensor): tf.Tensor {
  return fusedKernel('GramAfter', { x, signal }, {}, () => [x])[0] as tf.Tensor;
}
