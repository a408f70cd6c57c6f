import * as tf from '@tensorflow/tfjs-core';
import { float32, int8, type NDArray, uint8 } from '../arrays/array.js';
import { type Int8Kernel, UNSIGNED_ZERO_POINT } from '../graph/target.js';
import { int8Kernel } from '../onnxruntime/int8-kernel.js';
import { fusedKernel } from './kernel.js';
import { weightMatrix } from './weight-matrix.js';

/** A matrix in 8-bit integers: value = (integer - zero point) * scale of its column. */
export interface Int8Matrix<Values, Scales, ZeroPoint = Values> {
  /** int8 or uint8 `[in, out]` */
  readonly values: Values;
  /** float32 `[out]` */
  readonly scales: Scales;
  /** Scalar of the type of `values`. @default 0 */
  readonly zeroPoint?: ZeroPoint;
}

/** Number of outputs that are rounded and turned at once: their rows and what is written of them stay in the caches. */
const STRIP = 64;

/**
 * Rounds a matrix of weights to 8 bits, symmetrically, with one scale for each output.
 *
 * @param weight float32 `[out, in]`
 * @param kernel form of the integers; both forms stand for the same values. @default the form that is exact on this processor
 * @throws {EngineError} `bad-array` for anything but a finite float32 matrix
 */
export function quantizeInt8(
  weight: NDArray,
  kernel: Int8Kernel = int8Kernel(),
): Int8Matrix<NDArray<'int8' | 'uint8'>, NDArray<'float32'>> {
  const { outputs, inputs, values: given } = weightMatrix(weight, 8);
  const isSigned = kernel === 'signed';
  const zeroPoint = isSigned ? 0 : UNSIGNED_ZERO_POINT;
  const values = isSigned ? new Int8Array(inputs * outputs) : new Uint8Array(inputs * outputs);
  const scales = new Float32Array(outputs);
  // In float32 tiny scales lose digits, and integers could reach beyond 127.
  const steps = Float64Array.from(scales, (_, o) => largestMagnitude(given, o * inputs, inputs) / 127 || 1);
  scales.set(steps);
  for (let start = 0; start < outputs; start += STRIP) {
    const end = Math.min(outputs, start + STRIP);
    for (let i = 0; i < inputs; i++) {
      for (let o = start; o < end; o++) {
        const value = (given[o * inputs + i] ?? 0) / (steps[o] ?? 1);
        values[i * outputs + o] = Math.floor(value + 0.5) + zeroPoint;
      }
    }
  }
  const shape = [inputs, outputs];
  return values instanceof Int8Array
    ? { values: int8(shape, values), scales: float32([outputs], scales) }
    : {
        values: uint8(shape, values),
        scales: float32([outputs], scales),
        zeroPoint: uint8([], [UNSIGNED_ZERO_POINT]),
      };
}

/** The largest magnitude of a row. */
function largestMagnitude(values: Float32Array, start: number, length: number): number {
  let largest = 0;
  for (let i = start; i < start + length; i++) largest = Math.max(largest, Math.abs(values[i] ?? 0));
  return largest;
}

/**
 * Multiplies by an 8-bit matrix. The left side is rounded to 8 bits as the product runs, with one scale and one zero point for
 * all of it. The product is traced as `DynamicQuantizeMatMul` and has no gradient.
 *
 * The result is that of exact integer arithmetic on every processor. A matrix in the form with which the processor would
 * saturate is converted inside the graph, which is slow for a matrix that is not a constant. `quantizeInt8` gives the right
 * form at once.
 *
 * @param x float32 `[..., in]`
 * @returns `[..., out]`
 */
export function int8MatMul<T extends tf.Tensor>(
  x: T,
  { values, scales, zeroPoint }: Int8Matrix<tf.Tensor2D, tf.Tensor1D, tf.Scalar>,
): T {
  return fusedKernel('GramInt8MatMul', { x, values, scales, zeroPoint }, {}, () => {
    // As `DynamicQuantizeLinear`: the range includes zero, and zero is represented exactly.
    const low = tf.minimum(tf.min(x), 0);
    const high = tf.maximum(tf.max(x), 0);
    const scale = tf.div(tf.sub(high, low), 255);
    const zero = tf.clipByValue(tf.round(tf.div(tf.neg(low), scale)), 0, 255);
    const rounded = tf.clipByValue(tf.add(tf.round(tf.div(x, scale)), zero), 0, 255);
    const integers = tf.cast(values, 'float32');
    const weights = zeroPoint === undefined ? integers : tf.sub(integers, tf.cast(zeroPoint, 'float32'));
    const product = tf.matMul(tf.sub(rounded, zero), weights);
    return [tf.mul(product, tf.mul(scales, scale))];
  })[0] as T;
}
