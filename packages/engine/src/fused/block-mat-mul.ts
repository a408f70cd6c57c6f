import * as tf from '@tensorflow/tfjs-core';
import { float32, type NDArray, uint8 } from '../arrays/array.js';
import { EngineError } from '../error.js';
import { fusedKernel } from './kernel.js';
import { type WeightMatrix, weightMatrix } from './weight-matrix.js';

/** Number of inputs that share a scale. */
const BLOCK = 32;

/** Number that is added to an integer from -8 to 7 to store it. */
const INT4_ZERO_POINT = 8;

/** Number that is added to an integer from -127 to 127 to store it. */
const INT8_ZERO_POINT = 128;

/**
 * A matrix in integers of 4 or 8 bits: value = (integer - zero point) * scale of its block, where the zero point is 8 or 128. A block
 * has 32 inputs of one output. The layout is that of ONNX Runtime's `MatMulNBits` and takes 5 or 9 bits a weight.
 */
export interface BlockMatrix<Packed, Scales> {
  /**
   * uint8 `[out, in / 32, 16]` in 4 bits: two integers a byte, the first in the low half; `[out, in / 32, 32]` in 8 bits. The last
   * size tells which it is.
   */
  readonly packed: Packed;
  /** float32 `[out, in / 32]` */
  readonly scales: Scales;
}

/** A matrix in blocks, in host memory. */
type BlockArrays = BlockMatrix<NDArray<'uint8'>, NDArray<'float32'>>;

/**
 * Rounds a matrix of weights to 4 bits, symmetrically, with one scale for each block of 32 inputs: the one with the
 * least squared error of a few near that of GGML's Q4_0, where the value of largest magnitude becomes -8.
 *
 * @param weight float32 `[out, in]`; `in` is a multiple of 32
 * @throws {EngineError} `bad-array` for anything but a finite float32 matrix of whole blocks
 */
export function quantizeInt4(weight: NDArray): BlockArrays {
  const { outputs, inputs, values } = blocksOf(weight, 4);
  const blocks = inputs / BLOCK;
  const packed = new Uint8Array((outputs * inputs) / 2);
  const scales = new Float32Array(outputs * blocks);
  for (let b = 0; b < scales.length; b++) {
    const start = b * BLOCK;
    const scale = bestScale(values, start);
    scales[b] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = start; i < start + BLOCK; i += 2) {
      const low = rounded4((values[i] ?? 0) * inverse) + INT4_ZERO_POINT;
      const high = rounded4((values[i + 1] ?? 0) * inverse) + INT4_ZERO_POINT;
      packed[i / 2] = low + 16 * high;
    }
  }
  return {
    packed: uint8([outputs, blocks, BLOCK / 2], packed),
    scales: float32([outputs, blocks], scales),
  };
}

/**
 * Rounds a matrix of weights to 8 bits, symmetrically, with one scale for each block of 32 inputs, as GGML's Q8_0 does. It takes an
 * eighth more memory than one scale for each output, and the left side of its product is rounded block by block as well: such a
 * product is off by less than 1 % whatever the sizes of its rows and columns are.
 *
 * @param weight float32 `[out, in]`; `in` is a multiple of 32
 * @throws {EngineError} `bad-array` for anything but a finite float32 matrix of whole blocks
 */
export function quantizeInt8Blocks(weight: NDArray): BlockArrays {
  const { outputs, inputs, values } = blocksOf(weight, 8);
  const blocks = inputs / BLOCK;
  const packed = new Uint8Array(outputs * inputs);
  const scales = new Float32Array(outputs * blocks);
  for (let b = 0; b < scales.length; b++) {
    const start = b * BLOCK;
    const scale = Math.fround(Math.abs(largestOf(values, start)) / 127);
    scales[b] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = start; i < start + BLOCK; i++) {
      packed[i] = rounded8((values[i] ?? 0) * inverse) + INT8_ZERO_POINT;
    }
  }
  return { packed: uint8([outputs, blocks, BLOCK], packed), scales: float32([outputs, blocks], scales) };
}

/** Checks that a matrix of weights has whole blocks, and gives its sizes and values. */
function blocksOf(weight: NDArray, bits: number): WeightMatrix {
  const matrix = weightMatrix(weight, bits);
  if (matrix.inputs % BLOCK === 0) return matrix;
  throw new EngineError(
    'bad-array',
    `a matrix of ${matrix.inputs} inputs cannot be cut into blocks of ${BLOCK}`,
    'use 8-bit integers with a scale for each output, or pad the inputs with zeros',
  );
}

/**
 * Numbers that the value of largest magnitude is scaled to before it is rounded, the best guess first. The others take 10 % off
 * the squared error of weights with a normal distribution; more of them would take off 2 % at most.
 */
const RANGES = [8, 7.2, 7.6, 8.4, 8.8];

/** The best scale of the block at `start`; zero for a block of zeros, or of values too small for a float32 scale. */
function bestScale(values: Float32Array, start: number): number {
  const largest = largestOf(values, start);
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const range of RANGES) {
    const scale = Math.fround(-largest / range);
    if (scale === 0) continue;
    const error = squaredError(values, start, scale);
    if (error >= least) continue;
    best = scale;
    least = error;
  }
  return best;
}

/** The squared error of a block in 4 bits. */
function squaredError(values: Float32Array, start: number, scale: number): number {
  const inverse = 1 / scale;
  let sum = 0;
  for (let i = start; i < start + BLOCK; i++) {
    const value = values[i] ?? 0;
    sum += (value - rounded4(value * inverse) * scale) ** 2;
  }
  return sum;
}

/** The value of largest magnitude in a block. */
function largestOf(values: Float32Array, start: number): number {
  let largest = 0;
  for (let i = start; i < start + BLOCK; i++) {
    const value = values[i] ?? 0;
    if (Math.abs(value) > Math.abs(largest)) largest = value;
  }
  return largest;
}

/** The nearest integer from -8 to 7. `Math.round`, or limits for numbers that are no integers, would take most of the time. */
function rounded4(value: number): number {
  return Math.max(-8, Math.min(7, Math.floor(value + 0.5) | 0));
}

/** The nearest integer from -127 to 127. Tiny scales lose digits in float32: nothing may reach beyond for it. */
function rounded8(value: number): number {
  return Math.max(-127, Math.min(127, Math.floor(value + 0.5) | 0));
}

/**
 * Multiplies by a matrix in blocks, of a model that is not trained. With normal weights the result is off by 8 % in 4 bits, and by
 * 1 % in 8 bits.
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
export function blockMatMul<T extends tf.Tensor>(
  x: T,
  { packed, scales }: BlockMatrix<tf.Tensor3D, tf.Tensor2D>,
): T {
  return fusedKernel('GramBlockMatMul', { x, packed, scales }, { block: BLOCK }, () => {
    const [outputs, blocks] = scales.shape;
    const integers = packed.shape[2] === BLOCK ? integersOf8(packed) : integersOf4(packed);
    const weight = tf.reshape(tf.mul(integers, tf.expandDims(scales, 2)), [outputs, blocks * BLOCK]);
    return [tf.matMul(x as tf.Tensor, weight, false, true)];
  })[0] as T;
}

function integersOf8(packed: tf.Tensor3D): tf.Tensor {
  return tf.sub(tf.cast(packed, 'float32'), INT8_ZERO_POINT);
}

function integersOf4(packed: tf.Tensor3D): tf.Tensor {
  const [outputs, blocks] = packed.shape;
  const bytes = tf.cast(packed, 'float32');
  const high = tf.floor(tf.div(bytes, 16));
  const pairs = tf.stack([tf.sub(bytes, tf.mul(high, 16)), high], 3);
  return tf.sub(tf.reshape(pairs, [outputs, blocks, BLOCK]), INT4_ZERO_POINT);
}
