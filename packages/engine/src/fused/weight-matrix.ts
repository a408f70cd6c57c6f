import type { NDArray } from '../arrays/array.js';
import { allFinite } from '../arrays/finite.js';
import { EngineError } from '../error.js';

/** A matrix of weights that can be rounded: one row for each output. */
export interface WeightMatrix {
  readonly outputs: number;
  readonly inputs: number;
  /** The weights in float32, row after row. */
  readonly values: Float32Array;
}

/**
 * Checks a matrix of weights and gives its sizes and values.
 *
 * @param weight float32 `[out, in]`
 * @param bits number of bits of the rounded form, for the message
 * @throws {EngineError} `bad-array` for anything but a finite float32 matrix
 */
export function weightMatrix({ dtype, shape, data }: NDArray, bits: number): WeightMatrix {
  const [outputs, inputs] = shape;
  if (dtype !== 'float32' || shape.length !== 2 || outputs === undefined || inputs === undefined) {
    throw new EngineError(
      'bad-array',
      `a ${dtype}[${shape}] array cannot be made a matrix of ${bits}-bit integers`,
      'pass a float32 matrix [out, in]',
    );
  }
  const values = data as Float32Array;
  if (!allFinite(values)) {
    const bad = values.findIndex((value) => !Number.isFinite(value));
    throw new EngineError(
      'bad-array',
      `row ${Math.floor(bad / inputs)} of the matrix is not finite`,
      'pass finite weights',
    );
  }
  return { outputs, inputs, values };
}
