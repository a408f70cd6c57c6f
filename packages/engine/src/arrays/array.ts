import { EngineError } from '../error.js';

/**
 * Element types of arrays. TensorFlow.js has no 8-bit integers: tensors of int8 and uint8 arrays have the type int32.
 */
export type DType = 'float32' | 'int32' | 'bool' | 'int8' | 'uint8';

/** Typed array of each element type. */
export interface TypedArrays {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
  int8: Int8Array;
  uint8: Uint8Array;
}

/** Shape and element type of an array, without its values. */
export interface ArraySpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/**
 * A dense row-major array in host memory. Executables read it and, where a tree is updated in place, write into the same
 * `data`.
 */
export interface NDArray<D extends DType = DType, Shape extends readonly number[] = readonly number[]> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly data: TypedArrays[D];
}

/** Computes the number of elements of a shape, which is 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

function checked<D extends DType, Shape extends readonly number[]>(
  dtype: D,
  shape: Shape,
  data: TypedArrays[D],
): NDArray<D, Shape> {
  if (sizeOf(shape) !== data.length) {
    throw new EngineError(
      'bad-array',
      `shape [${shape}] holds ${sizeOf(shape)} elements, the data has ${data.length}`,
      'pass data whose length is the product of the shape',
    );
  }
  return { dtype, shape, data };
}

// `| []` in the constraints makes TypeScript infer `[rows]` as `[number]`, so that types know the number of axes.

/** Makes a float32 array; `values` is used without a copy when it already is a `Float32Array`. */
export function float32<Shape extends readonly number[] | []>(
  shape: Shape,
  values: Float32Array | readonly number[],
): NDArray<'float32', Shape> {
  return checked('float32', shape, values instanceof Float32Array ? values : Float32Array.from(values));
}

/** Makes an int32 array; `values` is used without a copy when it already is an `Int32Array`. */
export function int32<Shape extends readonly number[] | []>(
  shape: Shape,
  values: Int32Array | readonly number[],
): NDArray<'int32', Shape> {
  return checked('int32', shape, values instanceof Int32Array ? values : Int32Array.from(values));
}

/** Makes an int8 array; `values` is used without a copy when it already is an `Int8Array`. */
export function int8(shape: readonly number[], values: Int8Array | readonly number[]): NDArray<'int8'> {
  return checked('int8', shape, values instanceof Int8Array ? values : Int8Array.from(values));
}

/** Makes a uint8 array; `values` is used without a copy when it already is a `Uint8Array`. */
export function uint8(shape: readonly number[], values: Uint8Array | readonly number[]): NDArray<'uint8'> {
  return checked('uint8', shape, values instanceof Uint8Array ? values : Uint8Array.from(values));
}

/** Makes a float32 array of shape `[]`. */
export function scalar(value: number): NDArray<'float32'> {
  return float32([], [value]);
}

/** Makes a float32 array of zeros. */
export function zeros(shape: readonly number[]): NDArray<'float32'> {
  return float32(shape, new Float32Array(sizeOf(shape)));
}

/** Makes an array of zeros of any element type. */
export function emptyArray({ dtype, shape }: ArraySpec): NDArray {
  const size = sizeOf(shape);
  try {
    switch (dtype) {
      case 'float32':
        return { dtype, shape, data: new Float32Array(size) };
      case 'int32':
        return { dtype, shape, data: new Int32Array(size) };
      case 'int8':
        return { dtype, shape, data: new Int8Array(size) };
      default:
        return { dtype, shape, data: new Uint8Array(size) };
    }
  } catch (cause) {
    const bytes = size * bytesPerElement[dtype];
    throw new EngineError('out-of-memory', `no memory for an array of ${bytes} bytes`, 'use smaller arrays', {
      cause,
    });
  }
}

/** Number of bytes of one element. */
export const bytesPerElement: Readonly<Record<DType, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  int8: 1,
  uint8: 1,
};

/** Tells whether a value is an array in host memory rather than a tree of arrays. */
export function isNDArray(value: unknown): value is NDArray {
  return (
    typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value
  );
}
