import type { FileHandle } from 'node:fs/promises';
import { float32, type NDArray } from '@gram/engine';
import { readFully, withFile } from '../files/read.js';
import { readAsFloat32, type StoredTensor } from '../files/read-tensor.js';
import {
  badSafetensors,
  type Header,
  headerLength,
  LENGTH_BYTES,
  parseHeader,
  type TensorEntry,
  weightDType,
} from './header.js';
import { widenBfloat16, widenFloat16 } from './widen.js';

/** Content of a safetensors file. Both maps have no prototype. */
export interface SafetensorsContent {
  readonly tensors: Readonly<Record<string, NDArray<'float32'>>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Reads and checks the header, and nothing after it. */
export async function readHeader(handle: FileHandle, fileSize: number, path: string): Promise<Header> {
  if (fileSize < LENGTH_BYTES) throw badSafetensors(path, `${fileSize} bytes are too few for a header`);
  const prefix = new Uint8Array(LENGTH_BYTES);
  await readFully(handle, prefix, 0, path);
  const header = new Uint8Array(headerLength(prefix, fileSize, path));
  await readFully(handle, header, LENGTH_BYTES, path);
  return parseHeader(header, fileSize, path);
}

/**
 * Reads one tensor as float32; half precision is widened.
 *
 * @param entry where it lies, and whether values that are not finite are refused
 */
export async function readTensor(
  handle: FileHandle,
  name: string,
  entry: TensorEntry & Pick<StoredTensor, 'mustBeFinite'>,
  path: string,
): Promise<NDArray<'float32'>> {
  const { shape, size, start, mustBeFinite } = entry;
  const dtype = weightDType(name, entry, path);
  const widen = dtype === 'BF16' ? widenBfloat16 : widenFloat16;
  const convert = (bytes: Uint8Array, target: Float32Array<ArrayBuffer>) =>
    widen(
      new Uint16Array(bytes.buffer, bytes.byteOffset, target.length),
      new Uint32Array(target.buffer, target.byteOffset, target.length),
    );
  const stored = {
    name,
    size,
    start,
    bytesOf: (elements: number) => (dtype === 'F32' ? 4 : 2) * elements,
    ...(dtype !== 'F32' && { convert }),
    mustBeFinite,
  };
  return float32(shape, await readAsFloat32(handle, stored, path));
}

/**
 * Reads a safetensors file. F16 and BF16 are widened to float32, exactly, values that are not finite included. The file is not trusted: sizes are
 * checked against the file before memory is taken, and the rules of the reference implementation hold (header of
 * at most 100 MB, no hole, no overlap, no repeated name). Tensors are read one by one, so the memory taken is
 * that of the float32 result.
 *
 * @throws {ModelError} `bad-safetensors`, `bad-json`, `unsupported-dtype`, `file-missing`, `read-failed`,
 * `too-large`.
 */
export function readSafetensors(path: string): Promise<SafetensorsContent> {
  return withFile(path, async (handle, fileSize) => {
    const header = await readHeader(handle, fileSize, path);
    const tensors: Record<string, NDArray<'float32'>> = Object.create(null);
    for (const [name, entry] of header.tensors) {
      tensors[name] = await readTensor(handle, name, entry, path);
    }
    return { tensors, metadata: header.metadata };
  });
}
