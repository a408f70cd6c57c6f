import * as tf from '@tensorflow/tfjs-core';

/** The value of a function and its gradient. */
export interface ValueAndGradient<T extends tf.Tensor> {
  readonly value: T;
  /** Gradients by the inputs, from the gradient of the value and the tensors that were saved. */
  readonly gradFunc: (dy: T, saved: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
}

/**
 * Makes a function with a gradient of its own. It is `tf.customGrad` with types: that passes the inputs and the function that
 * saves tensors for the gradient as one list.
 */
export function customGradient<Inputs extends tf.Tensor[], T extends tf.Tensor>(
  fn: (inputs: Inputs, save: tf.GradSaveFunc) => ValueAndGradient<T>,
): (...inputs: Inputs) => T {
  return tf.customGrad<T>((...args) => {
    const save = args.pop() as tf.GradSaveFunc;
    return fn(args as Inputs, save);
  });
}
