import type { FileHandle } from 'node:fs/promises';
import { float32, type NDArray } from '@gram/engine';
import { ModelError } from '../error.js';
import { quoted } from '../files/json.js';
import { readFully, withFile } from '../files/read.js';
import {
  badSafetensors,
  type Header,
  headerLength,
  LENGTH_BYTES,
  parseHeader,
  type TensorEntry,
} from './header.js';
import { widenBfloat16, widenFloat16 } from './widen.js';

/** What a safetensors file holds. Both maps have no prototype. */
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

function allocate(name: string, size: number, path: string): Float32Array<ArrayBuffer> {
  try {
    return new Float32Array(size);
  } catch (error) {
    throw new ModelError(
      'too-large',
      `${path}: no memory for the ${size} elements of tensor ${quoted(name)}`,
      'use a smaller model or a machine with more memory',
      { cause: error },
    );
  }
}

// Small beside a model, large beside the cost of a read.
const WIDEN_ELEMENTS = 1 << 20;

/** Reads one tensor as float32; half precision passes through a small buffer. */
export async function readTensor(
  handle: FileHandle,
  name: string,
  entry: TensorEntry,
  path: string,
): Promise<NDArray<'float32'>> {
  const data = allocate(name, entry.size, path);
  if (entry.dtype === 'F32') {
    await readFully(handle, new Uint8Array(data.buffer), entry.start, path);
    return float32(entry.shape, data);
  }
  const widen = entry.dtype === 'BF16' ? widenBfloat16 : widenFloat16;
  const bits = new Uint32Array(data.buffer);
  const halves = new Uint16Array(Math.min(entry.size, WIDEN_ELEMENTS));
  for (let done = 0; done < entry.size; done += halves.length) {
    const part = halves.subarray(0, entry.size - done);
    await readFully(handle, new Uint8Array(part.buffer, 0, part.byteLength), entry.start + 2 * done, path);
    widen(part, bits.subarray(done));
  }
  return float32(entry.shape, data);
}

/**
 * Reads a safetensors file. F16 and BF16 are widened to float32, exactly. The file is not trusted: sizes are
 * checked against the file before memory is taken, and the rules of the reference implementation hold (header of
 * at most 100 MB, no hole, no overlap, no repeated name). Tensors are read one by one, so the memory taken is
 * that of the float32 result.
 *
 * @throws ModelError `bad-safetensors`, `bad-json`, `unsupported-dtype`, `file-missing`, `read-failed`,
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
