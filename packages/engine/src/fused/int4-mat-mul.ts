import * as tf from '@tensorflow/tfjs-core';
import { float32, type NDArray, uint8 } from '../arrays/array.js';
import { EngineError } from '../error.js';
import { fusedKernel } from './kernel.js';
import { weightMatrix } from './weight-matrix.js';

/** Inputs that share a scale. */
const int4Block = 32;

/** What is added to an integer of -8 to 7 to store it. */
const zeroPoint = 8;

/**
 * A matrix in 4-bit integers: value = (integer - 8) * scale of its block. A block is 32 inputs of one output, the
 * layout that of ONNX Runtime's `MatMulNBits`: 5 bits a weight, where 8-bit integers take 8.
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
  if (inputs % int4Block !== 0) {
    throw new EngineError(
      'bad-array',
      `a matrix of ${inputs} inputs can not be cut into blocks of ${int4Block}`,
      'use 8-bit integers for it, or pad the inputs with zeros',
    );
  }
  const blocks = inputs / int4Block;
  const packed = new Uint8Array((outputs * inputs) / 2);
  const scales = new Float32Array(outputs * blocks);
  for (let b = 0; b < scales.length; b++) {
    const start = b * int4Block;
    const scale = bestScale(values, start);
    scales[b] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = start; i < start + int4Block; i += 2) {
      const [low, high] = [rounded(values[i]! * inverse), rounded(values[i + 1]! * inverse)];
      packed[i / 2] = low + zeroPoint + 16 * (high + zeroPoint);
    }
  }
  return {
    packed: uint8([outputs, blocks, int4Block / 2], packed),
    scales: float32([outputs, blocks], scales),
  };
}

/**
 * What the value of largest magnitude may become before it is rounded, best guess first. The others take 10 % off
 * the squared error of weights with a normal distribution; more of them take off 2 % at most.
 */
const ranges = [8, 7.2, 7.6, 8.4, 8.8];

/** The scale of the block that starts there; zero for a block of zeros, and for one too small for a float32 scale. */
function bestScale(values: Float32Array, start: number): number {
  const end = start + int4Block;
  let largest = 0;
  for (let i = start; i < end; i++) if (Math.abs(values[i]!) > Math.abs(largest)) largest = values[i]!;
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (const range of ranges) {
    const scale = Math.fround(-largest / range);
    if (scale === 0) continue;
    const inverse = 1 / scale;
    let error = 0;
    for (let i = start; i < end && error < least; i++) {
      error += (values[i]! - rounded(values[i]! * inverse) * scale) ** 2;
    }
    if (error < least) [best, least] = [scale, error];
  }
  return best;
}

/** The nearest integer of -8 to 7. Math.round would take most of the time. */
function rounded(value: number): number {
  return Math.max(-8, Math.min(7, Math.floor(value + 0.5)));
}

/**
 * A product with a 4-bit matrix, for models that are only used. With normal weights the result is off by 8 % (1 %
 * with 8 bits). On a CPU it took 0.25 times as long as float32 for a single row, 0.5 times for 8 and 0.8 times for
 * 512; next to 8 bits that is 0.7, 1.4 and 2 to 3 times.
 *
 * Traced as `MatMulNBits`, which may round the left side to 8 bits, with a scale for
 * each block of it; elsewhere nothing of the left side is rounded. It has no gradient.
 *
 * Give the matrix as one of the `constants` of `compile`: the CPU has a fast form for those alone, and makes float32
 * of others at each call, which took 15 to 75 times as long for a single row.
 *
 * @param x float32 `[..., in]`
 * @returns `[..., out]`
 */
export function int4MatMul<T extends tf.Tensor>(
  x: T,
  { packed, scales }: Int4Matrix<tf.Tensor3D, tf.Tensor2D>,
): T {
  return fusedKernel('GramInt4MatMul', { x, packed, scales }, { block: int4Block }, () => {
    const [outputs, blocks] = scales.shape;
    const bytes = tf.cast(packed, 'float32');
    const high = tf.floor(tf.div(bytes, 16));
    const pairs = tf.stack([tf.sub(bytes, tf.mul(high, 16)), high], 3);
    const integers = tf.sub(tf.reshape(pairs, [outputs, blocks, int4Block]), zeroPoint);
    const weight = tf.reshape(tf.mul(integers, tf.expandDims(scales, 2)), [outputs, blocks * int4Block]);
    return [tf.matMul(x as tf.Tensor, weight, false, true)];
  })[0] as T;
}
