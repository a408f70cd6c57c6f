import * as tf from '@tensorflow/tfjs-core';
import { float32, type NDArray, uint8 } from '../arrays/array.js';
import { EngineError } from '../error.js';
import { fusedKernel } from './kernel.js';
import { weightMatrix } from './weight-matrix.js';

/** Number of inputs that share a scale. */
const INT4_BLOCK = 32;

/** Number that is added to an integer from -8 to 7 to store it. */
const ZERO_POINT = 8;

/**
 * A matrix in 4-bit integers: value = (integer - 8) * scale of its block. A block has 32 inputs of one output. The layout is that
 * of ONNX Runtime's `MatMulNBits` and takes 5 bits a weight, where 8-bit integers take 8.
 */
export interface Int4Matrix<Packed, Scales> {
  /** uint8 `[out, in / 32, 16]`: two integers a byte, the first in the low half */
  readonly packed: Packed;
  /** float32 `[out, in / 32]` */
  readonly scales: Scales;
}

/**
 * Rounds a matrix of weights to 4 bits, symmetrically, with one scale for each block of 32 inputs: the one with the
 * least squared error of a few near that of GGML's Q4_0, where the value of largest magnitude becomes -8.
 *
 * @param weight float32 `[out, in]`; `in` is a multiple of 32
 * @throws {EngineError} `bad-array` for anything but a finite float32 matrix of whole blocks
 */
export function quantizeInt4(weight: NDArray): Int4Matrix<NDArray<'uint8'>, NDArray<'float32'>> {
  const { outputs, inputs, values } = weightMatrix(weight, 4);
  if (inputs % INT4_BLOCK !== 0) {
    throw new EngineError(
      'bad-array',
      `a matrix of ${inputs} inputs cannot be cut into blocks of ${INT4_BLOCK}`,
      'use 8-bit integers for it, or pad the inputs with zeros',
    );
  }
  const blocks = inputs / INT4_BLOCK;
  const packed = new Uint8Array((outputs * inputs) / 2);
  const scales = new Float32Array(outputs * blocks);
  for (let b = 0; b < scales.length; b++) {
    const start = b * INT4_BLOCK;
    const scale = bestScale(values, start);
    scales[b] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = start; i < start + INT4_BLOCK; i += 2) {
      const [low, high] = [rounded((values[i] ?? 0) * inverse), rounded((values[i + 1] ?? 0) * inverse)];
      packed[i / 2] = low + ZERO_POINT + 16 * (high + ZERO_POINT);
    }
  }
  return {
    packed: uint8([outputs, blocks, INT4_BLOCK / 2], packed),
    scales: float32([outputs, blocks], scales),
  };
}

/**
 * Numbers that the value of largest magnitude is scaled to before it is rounded, the best guess first. The others take 10 % off
 * the squared error of weights with a normal distribution; more of them would take off 2 % at most.
 */
const RANGES = [8, 7.2, 7.6, 8.4, 8.8];

/** The best scale of the block at `start`; zero for a block of zeros, or of values too small for a float32 scale. */
function bestScale(values: Float32Array, start: number): number {
  const end = start + INT4_BLOCK;
  let largest = 0;
  for (let i = start; i < end; i++) {
    const value = values[i] ?? 0;
    if (Math.abs(value) > Math.abs(largest)) largest = value;
  }
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (const range of RANGES) {
    const scale = Math.fround(-largest / range);
    if (scale === 0) continue;
    const inverse = 1 / scale;
    let error = 0;
    for (let i = start; i < end && error < least; i++) {
      const value = values[i] ?? 0;
      error += (value - rounded(value * inverse) * scale) ** 2;
    }
    if (error < least) [best, least] = [scale, error];
  }
  return best;
}

/** The nearest integer from -8 to 7. Math.round would take most of the time. */
function rounded(value: number): number {
  return Math.max(-8, Math.min(7, Math.floor(value + 0.5)));
}

/**
 * Multiplies by a 4-bit matrix of a model that is not trained. With normal weights the result is off by 8 %, and by 1 % with
 * 8 bits.
 *
 * The product is traced as `MatMulNBits`, which may round the left side to 8 bits with a scale for each block of it. Elsewhere
 * nothing of the left side is rounded. It has no gradient.
 *
 * Give the matrix as one of the `constants` of `compile`. The CPU has a fast form for constants alone and converts other
 * matrices to float32 at each call, which took 15 to 75 times as long for a single row.
 *
 * @param x float32 `[..., in]`
 * @returns `[..., out]`
 */
export function int4MatMul<T extends tf.Tensor>(
  x: T,
  { packed, scales }: Int4Matrix<tf.Tensor3D, tf.Tensor2D>,
): T {
  return fusedKernel('GramInt4MatMul', { x, packed, scales }, { block: INT4_BLOCK }, () => {
    const [outputs, blocks] = scales.shape;
    const bytes = tf.cast(packed, 'float32');
    const high = tf.floor(tf.div(bytes, 16));
    const pairs = tf.stack([tf.sub(bytes, tf.mul(high, 16)), high], 3);
    const integers = tf.sub(tf.reshape(pairs, [outputs, blocks, INT4_BLOCK]), ZERO_POINT);
    const weight = tf.reshape(tf.mul(integers, tf.expandDims(scales, 2)), [outputs, blocks * INT4_BLOCK]);
    return [tf.matMul(x as tf.Tensor, weight, false, true)];
  })[0] as T;
}
