import type { FileHandle } from 'node:fs/promises';
import { canonicalJson, writeStreamAtomic } from '@gram/base';
import {
  type AnyArray,
  ArrayFile,
  fileArray,
  flattenTree,
  isNDArray,
  type NDArray,
  type QuantizedArrays,
  type QuantizedMatrix,
} from '@gram/engine';
import type { ModelConfig } from '../config/model-config.js';
import { weightShapes } from '../config/weight-shapes.js';
import { ModelError } from '../error.js';
import { withFile } from '../files/read.js';
import { headToRound, isRounded, ROUNDED_HEAD, rounded, roundedHead } from '../quantize.js';
import { headerBytes, LENGTH_BYTES } from '../safetensors/header.js';
import { readHeader } from '../safetensors/read.js';
import type { WeightPrecision } from '../weight-bytes.js';
import { bytesOf, type PackedPart, packedParts, partName } from './packed-layout.js';
import type { EachWeight, StoredWeight } from './weight-source.js';

/** Weights that do not change: arrays, or matrices in integers, in memory or in files. */
export type FixedWeights = Readonly<Record<string, AnyArray<'float32'> | QuantizedArrays>>;

/** Element types of the file, which is one of safetensors. */
const STORED = { float32: 'F32', int8: 'I8', uint8: 'U8' } as const;

/** Lays arrays out in a file: the header to write, and the offset of each array in bytes. */
function layout(parts: readonly PackedPart[]): { header: Uint8Array; offsets: ReadonlyMap<string, number> } {
  let position = 0;
  const starts = new Map<string, number>();
  const entries = parts.map((part) => {
    const start = position;
    position += bytesOf(part);
    starts.set(partName(part), start);
    // Packed arrays are of no other type.
    const dtype = STORED[part.dtype as keyof typeof STORED];
    return [partName(part), { dtype, shape: part.shape, data_offsets: [start, position] }] as const;
  });
  const header = headerBytes(Object.fromEntries(entries));
  return {
    header,
    offsets: new Map([...starts].map(([name, start]) => [name, header.length + start])),
  };
}

/** Brings a weight into its precision: what it becomes, by name. The head over the vocabulary becomes two. */
export async function packedForms(
  weight: StoredWeight,
  config: ModelConfig,
  precision: WeightPrecision,
): Promise<Readonly<Record<string, NDArray<'float32'> | QuantizedMatrix>>> {
  const { name } = weight;
  if (precision !== 'float32' && isRounded(name)) {
    const stored = precision === 'int4' ? await weight.readInt4?.() : undefined;
    return { [name]: stored ?? rounded(name, await weight.read(), precision) };
  }
  const plain = await weight.read();
  if (precision === 'float32' || name !== headToRound(weightShapes(config))) return { [name]: plain };
  return { [name]: plain, [ROUNDED_HEAD]: roundedHead(plain) };
}

/**
 * Writes a model in a precision to a file, which appears at once or not at all. One weight after the other is read and converted, so
 * that the memory of one is taken.
 *
 * @throws {ModelError} as `quantizeWeights`; {BaseError} `write-failed`
 */
export async function writePacked(
  path: string,
  { config, precision, each }: { config: ModelConfig; precision: WeightPrecision; each: EachWeight },
): Promise<void> {
  const parts = packedParts(config, precision);
  const { header, offsets } = layout(parts);
  await writeStreamAtomic(path, async (handle) => {
    await writeAt(handle, header, 0);
    await each(async (weight) => {
      const arrays = flattenTree(await packedForms(weight, config, precision), isNDArray);
      for (const [path, { data }] of arrays) {
        const offset = offsets.get(path);
        if (offset === undefined) throw new TypeError(`${path} has no place in the file`);
        await writeAt(handle, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
      }
    });
  });
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/**
 * The weights of a packed file, which stay in it.
 *
 * @throws {ModelError} `bad-weights` where it holds anything else than the model asks for
 */
export async function openPacked(
  path: string,
  config: ModelConfig,
  precision: WeightPrecision,
): Promise<FixedWeights> {
  const parts = packedParts(config, precision);
  const { header, offsets } = layout(parts);
  const found = await withFile(path, (handle, size) => readHeader(handle, size, path));
  const placed = (part: PackedPart) => found.tensors.get(partName(part));
  const isAsExpected =
    found.tensors.size === parts.length &&
    parts.every((part) => {
      const entry = placed(part);
      return (
        entry?.dtype === STORED[part.dtype as keyof typeof STORED] &&
        canonicalJson(entry.shape) === canonicalJson(part.shape) &&
        entry.start === offsets.get(partName(part))
      );
    });
  if (!isAsExpected) {
    throw new ModelError('bad-weights', `${path} is not the packed form of the model`, 'delete it');
  }
  const file = new ArrayFile(path);
  const weights: Record<string, Record<string, AnyArray>> = Object.create(null);
  const plain: Record<string, AnyArray<'float32'>> = Object.create(null);
  for (const part of parts) {
    const offset = offsets.get(partName(part)) ?? header.length + LENGTH_BYTES;
    const { weight, field, dtype, shape } = part;
    if (field === undefined) plain[weight] = fileArray({ dtype: 'float32', shape }, file, offset);
    else {
      weights[weight] ??= {};
      weights[weight][field] = fileArray({ dtype, shape }, file, offset);
    }
  }
  // The fields of each matrix are those that its precision has.
  return { ...plain, ...weights } as FixedWeights;
}
