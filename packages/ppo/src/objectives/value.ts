import { valuesAt } from '@gram/model';
import type { Objective } from '@gram/train';
import * as tf from '@tensorflow/tfjs-core';
import { valueLosses } from '../losses/value-loss.js';
import { type ResponseTokens, responseLayout } from './response-layout.js';

/** A response with the value and the return of the state before each of its tokens. */
export interface ValueExample extends ResponseTokens {
  readonly values: readonly number[];
  readonly returns: readonly number[];
}

/**
 * Makes the objective of the value model: the mean of `valueLosses` over all response tokens of a mini-batch.
 *
 * @param clip see `valueLosses`
 */
export function valueObjective(clip: number): Objective<ValueExample> {
  return {
    name: `ppo value, clip ${clip}`,
    metrics: [],
    length: ({ ids }) => ids.length,
    weight: ({ ids, lossFrom }) => ids.length - lossFrom,
    batch(examples, rows, length, total) {
      const { arrays, column } = responseLayout(examples, rows, length, total);
      return { ...arrays, old: column(({ values }) => values), returns: column(({ returns }) => returns) };
    },
    loss(config, weights, batch) {
      const values = valuesAt(config, weights, batch.tokens as tf.Tensor2D, batch.positions as tf.Tensor1D);
      const losses = valueLosses(values, batch.old as tf.Tensor1D, batch.returns as tf.Tensor1D, clip);
      return { loss: tf.sum(tf.mul(losses, batch.weights as tf.Tensor)) as tf.Scalar };
    },
  };
}
