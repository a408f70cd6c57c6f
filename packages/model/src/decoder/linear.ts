import { type QuantizedTensors, quantizedMatMul } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';

/** A matrix `[out, in]` with a low-rank addition: W + scale * b a (Hu et al. 2021). */
export interface AdaptedMatrix {
  readonly base: tf.Tensor | QuantizedTensors;
  /** `[rank, in]` */
  readonly a: tf.Tensor2D;
  /** `[out, rank]` */
  readonly b: tf.Tensor2D;
  readonly scale: number;
  /** Drops elements of the input of `a`, see `dropped`. @default none */
  readonly dropout?: DropoutTensors;
}

/** Random numbers from which a mask is made, uniform in [0, 1): one for each row and one for each column. */
export interface DropoutTensors {
  readonly probability: number;
  /** Random numbers of the rows; there are at least as many as rows. */
  readonly rows: tf.Tensor1D;
  /** Random numbers of the columns; there are at least as many as columns. */
  readonly columns: tf.Tensor1D;
}

/** Form of a matrix: plain, in integers, or with a low-rank addition. */
export type Matrix = tf.Tensor | QuantizedTensors | AdaptedMatrix;

/**
 * A product with a matrix `[out, in]`, along the last axis of `x`.
 *
 * @param bias `[out]`. @default none
 */
export function linear<T extends tf.Tensor2D | tf.Tensor3D>(x: T, matrix: Matrix, bias?: tf.Tensor): T {
  const product = multiply(x, matrix);
  return bias === undefined ? product : tf.add(product, bias);
}

/**
 * `linear` for rows of very different size. An 8-bit product rounds its left side with one scale for all of it, in which
 * small rows would get few digits: it gets every row with a largest magnitude of 1.
 */
export function rowScaledLinear<T extends tf.Tensor2D | tf.Tensor3D>(
  x: T,
  matrix: Matrix,
  bias?: tf.Tensor,
): T {
  const multiplied = 'base' in matrix ? matrix.base : matrix;
  if (!('values' in multiplied)) return linear(x, matrix, bias);
  const sizes = tf.maximum(tf.max(tf.abs(x), -1, true), SMALLEST);
  const product = tf.mul(multiply(tf.div(x, sizes) as T, matrix), sizes) as T;
  return bias === undefined ? product : tf.add(product, bias);
}

function multiply<T extends tf.Tensor2D | tf.Tensor3D>(x: T, matrix: Matrix): T {
  if ('base' in matrix) {
    const { base, a, b, scale, dropout } = matrix;
    const kept = dropout === undefined ? x : dropped(x, dropout);
    const low = tf.matMul(tf.matMul(kept as tf.Tensor, a, false, true), b, false, true);
    return tf.add(multiply(x, base), tf.mul(low, scale)) as T;
  }
  if ('scales' in matrix) return quantizedMatMul(x, matrix);
  return tf.matMul(x as tf.Tensor, matrix, false, true) as T;
}

/** Rows of zeros stay zeros. */
const SMALLEST = 1e-30;

// Large enough that neighboring products end far apart, small enough that float32 keeps three digits of the fraction.
const SPREAD = 8192;

/**
 * Dropout (Srivastava et al. 2014): elements are zero with a probability, and the others are scaled so that the mean
 * stays. Element (i, j) is dropped where the fraction of 8192 * rows[i] * columns[j] is below the probability:
 * a mask of any size from few numbers, the same on every device.
 */
export function dropped<T extends tf.Tensor2D | tf.Tensor3D>(
  x: T,
  { probability, rows, columns }: DropoutTensors,
): T {
  const width = x.shape.at(-1) ?? 1;
  const count = x.size / width;
  const column = tf.mul(tf.reshape(tf.slice(rows, 0, count), [count, 1]), SPREAD);
  const product = tf.mul(column, tf.reshape(tf.slice(columns, 0, width), [1, width]));
  const fraction = tf.sub(product, tf.floor(product));
  const keep = tf.cast(tf.greaterEqual(fraction, probability), 'float32');
  return tf.mul(x, tf.reshape(tf.mul(keep, 1 / (1 - probability)), x.shape)) as T;
}
