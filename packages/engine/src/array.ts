import { EngineError } from './error.js';

/** Element types that arrays and traced tensors can have. */
export type DType = 'float32' | 'int32' | 'bool';

/** The typed array that holds each element type. */
export interface TypedArrays {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
}

/**
 * A dense row-major array in host memory. Executables read it and, where a tree is updated
 * in place, write into the same `data`.
 */
export interface NDArray<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: TypedArrays[D];
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

function checked<D extends DType>(dtype: D, shape: readonly number[], data: TypedArrays[D]): NDArray<D> {
  if (sizeOf(shape) !== data.length) {
    throw new EngineError(
      'bad-array',
      `shape [${shape}] holds ${sizeOf(shape)} elements, the data has ${data.length}`,
      'pass data whose length is the product of the shape',
    );
  }
  return { dtype, shape, data };
}

/** A float32 array; `values` is used without a copy when it already is a `Float32Array`. */
export function float32(
  shape: readonly number[],
  values: Float32Array | readonly number[],
): NDArray<'float32'> {
  return checked('float32', shape, values instanceof Float32Array ? values : Float32Array.from(values));
}

/** An int32 array; `values` is used without a copy when it already is an `Int32Array`. */
export function int32(shape: readonly number[], values: Int32Array | readonly number[]): NDArray<'int32'> {
  return checked('int32', shape, values instanceof Int32Array ? values : Int32Array.from(values));
}

/** A float32 array of shape `[]`. */
export function scalar(value: number): NDArray<'float32'> {
  return float32([], [value]);
}

/** A float32 array of zeros. */
export function zeros(shape: readonly number[]): NDArray<'float32'> {
  return float32(shape, new Float32Array(sizeOf(shape)));
}

/** Whether a value is an array rather than a tree of arrays. */
export function isNDArray(value: unknown): value is NDArray {
  return (
    typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value
  );
}
