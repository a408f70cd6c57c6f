import * as tf from '@tensorflow/tfjs';
import { float32, int8, type NDArray } from '../array.js';
import { fusedKernel } from './kernel.js';
import { weightMatrix } from './weight-matrix.js';

/** A matrix in 8-bit integers: value = integer * scale of its column. */
export interface Int8Matrix<Values, Scales> {
  /** int8 `[in, out]` */
  readonly values: Values;
  /** float32 `[out]` */
  readonly scales: Scales;
}

/**
 * Rounds a matrix of weights to 8 bits, symmetrically, with one scale for each output.
 *
 * @param weight float32 `[out, in]`
 * @throws EngineError `bad-array` for anything but a finite float32 matrix
 */
export function quantizeInt8(weight: NDArray): Int8Matrix<NDArray<'int8'>, NDArray<'float32'>> {
  const { outputs, inputs, values: given } = weightMatrix(weight, 8);
  const values = new Int8Array(inputs * outputs);
  const scales = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const row = given.subarray(o * inputs, (o + 1) * inputs);
    let largest = 0;
    for (const value of row) largest = Math.max(largest, Math.abs(value));
    const scale = largest === 0 ? 1 : largest / 127;
    scales[o] = scale;
    for (let i = 0; i < inputs; i++) values[i * outputs + o] = Math.round(row[i]! / scale);
  }
  return { values: int8([inputs, outputs], values), scales: float32([outputs], scales) };
}

/**
 * A product with an 8-bit matrix. The left side is rounded to 8 bits as the product runs, with one scale and
 * zero point for all of it. Traced as `DynamicQuantizeMatMul`; it has no gradient.
 *
 * @param x float32 `[..., in]`
 * @returns `[..., out]`
 */
export function int8MatMul<T extends tf.Tensor>(
  x: T,
  { values, scales }: Int8Matrix<tf.Tensor2D, tf.Tensor1D>,
): T {
  return fusedKernel('GramInt8MatMul', { x, values, scales }, {}, () => {
    // As `DynamicQuantizeLinear`: the range includes zero, and zero is represented exactly.
    const low = tf.minimum(tf.min(x), 0);
    const high = tf.maximum(tf.max(x), 0);
    const scale = tf.div(tf.sub(high, low), 255);
    const zero = tf.clipByValue(tf.round(tf.div(tf.neg(low), scale)), 0, 255);
    const rounded = tf.clipByValue(tf.add(tf.round(tf.div(x, scale)), zero), 0, 255);
    const product = tf.matMul(tf.sub(rounded, zero), tf.cast(values, 'float32'));
    return [tf.mul(product, tf.mul(scales, scale))];
  })[0] as T;
}
