import * as tf from '@tensorflow/tfjs-core';
import { ModelError } from '../error.js';
import type { Matrix } from './linear.js';

/** Weights as tensors, under Hugging Face names, in `[out, in]` layout. */
export type WeightTensors = Readonly<Record<string, tf.Tensor>>;

/**
 * Weights of which the matrices of the layers may be something else than a plain tensor: integers, see
 * `quantizeWeights`, or a matrix with a low-rank addition, see `adaptedWeights`.
 */
export type ModelTensors = Readonly<Record<string, Matrix>>;

/** Returns a weight in whatever form it is. @throws {ModelError} `bad-weights` when there is none */
export function matrixOf(weights: ModelTensors, name: string): Matrix {
  const found = weights[name];
  if (found !== undefined) return found;
  throw new ModelError('bad-weights', `the weight "${name}" is missing`, 'pass all weights of the model');
}

/** Returns a weight that is a plain tensor. @throws {ModelError} `bad-weights` when there is none, or it is not plain */
export function tensorOf<T extends tf.Tensor = tf.Tensor>(weights: ModelTensors, name: string): T {
  const found = matrixOf(weights, name);
  // The rank of a weight follows from its name.
  if (found instanceof tf.Tensor) return found as T;
  throw new ModelError('bad-weights', `the weight "${name}" is not a plain tensor`, 'adapt only projections');
}
