import { type DType, int8Kernel, type QuantizedArrays, sizeOf } from '@gram/engine';
import type { ModelConfig } from '../config/model-config.js';
import { weightShapes } from '../config/weight-shapes.js';
import { headToRound, isRounded, ROUNDED_HEAD } from '../quantize.js';
import type { WeightPrecision } from '../weight-bytes.js';

/** One array of a packed model. */
export interface PackedPart {
  /** Weight that it belongs to. */
  readonly weight: string;
  /** Field of the matrix in integers; undefined for a plain array. */
  readonly field: 'values' | 'scales' | 'zeroPoint' | 'packed' | undefined;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** The arrays of a packed model, in the order of its file: those of float32 come first, so that all lie aligned. */
export function packedParts(config: ModelConfig, precision: WeightPrecision): PackedPart[] {
  const shapes = weightShapes(config);
  const head = precision === 'float32' ? undefined : headToRound(shapes);
  const parts = Object.entries(shapes).flatMap(([weight, shape]): PackedPart[] =>
    precision !== 'float32' && isRounded(weight)
      ? matrixParts(weight, shape, precision)
      : [
          { weight, field: undefined, dtype: 'float32', shape },
          ...(weight === head ? blockParts(ROUNDED_HEAD, shape, 8) : []),
        ],
  );
  return [
    ...parts.filter(({ dtype }) => dtype === 'float32'),
    ...parts.filter(({ dtype }) => dtype !== 'float32'),
  ];
}

/** Number of inputs that share a scale in blocks. */
const BLOCK = 32;

function blockParts(weight: string, [outputs = 0, inputs = 0]: readonly number[], bits: 4 | 8): PackedPart[] {
  const blocks = inputs / BLOCK;
  return [
    { weight, field: 'packed', dtype: 'uint8', shape: [outputs, blocks, (BLOCK * bits) / 8] },
    { weight, field: 'scales', dtype: 'float32', shape: [outputs, blocks] },
  ];
}

function matrixParts(weight: string, shape: readonly number[], precision: 'int8' | 'int4'): PackedPart[] {
  if (precision === 'int4') return blockParts(weight, shape, 4);
  const [outputs = 0, inputs = 0] = shape;
  const isSigned = int8Kernel() === 'signed';
  const dtype = isSigned ? 'int8' : 'uint8';
  return [
    { weight, field: 'values', dtype, shape: [inputs, outputs] },
    { weight, field: 'scales', dtype: 'float32', shape: [outputs] },
    ...(isSigned ? [] : [{ weight, field: 'zeroPoint', dtype, shape: [] } as const]),
  ];
}

/** Bytes of an array. */
export function bytesOf({ dtype, shape }: Pick<PackedPart, 'dtype' | 'shape'>): number {
  return sizeOf(shape) * (dtype === 'float32' ? 4 : 1);
}

/** A weight of a packed model, in a file or in memory. */
export type PackedWeight<Plain> = Plain | QuantizedArrays;

/** Name of an array in the file. */
export function partName({ weight, field }: PackedPart): string {
  return field === undefined ? weight : `${weight}/${field}`;
}
