import type * as tf from '@tensorflow/tfjs-core';
import type { NDArray } from '../arrays/array.js';
import type { AnyArray } from '../arrays/device-array.js';
import { type BlockMatrix, blockMatMul } from './block-mat-mul.js';
import { type Int8Matrix, int8MatMul } from './int8-mat-mul.js';

/** A matrix in 8-bit or 4-bit integers, in host memory. */
export type QuantizedMatrix =
  | Int8Matrix<NDArray<'int8' | 'uint8'>, NDArray<'float32'>>
  | BlockMatrix<NDArray<'uint8'>, NDArray<'float32'>>;

/** A matrix in 8-bit or 4-bit integers, in host memory, in a file or on a device. */
export type QuantizedArrays =
  | Int8Matrix<AnyArray<'int8' | 'uint8'>, AnyArray<'float32'>>
  | BlockMatrix<AnyArray<'uint8'>, AnyArray<'float32'>>;

/** A matrix in 8-bit or 4-bit integers, as tensors. `'scales' in weight` tells it from a plain matrix. */
export type QuantizedTensors =
  | Int8Matrix<tf.Tensor2D, tf.Tensor1D, tf.Scalar>
  | BlockMatrix<tf.Tensor3D, tf.Tensor2D>;

/**
 * Multiplies by a matrix in integers, with `int8MatMul` or `blockMatMul` by the form of the matrix. It has no gradient.
 *
 * @param x float32 `[..., in]`
 * @returns `[..., out]`
 */
export function quantizedMatMul<T extends tf.Tensor>(x: T, matrix: QuantizedTensors): T {
  return 'packed' in matrix ? blockMatMul(x, matrix) : int8MatMul(x, matrix);
}
