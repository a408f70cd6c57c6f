import type { FileHandle } from 'node:fs/promises';
import { quote } from '@gram/base';
import { ModelError } from '../error.js';
import { readFully } from './read.js';

// Small beside a model, large beside the cost of a read. A multiple of the elements of every block.
const PIECE_ELEMENTS = 1 << 20;

/** Where a tensor lies in a file, and how its bytes become float32. */
export interface StoredTensor {
  /** Names it in errors. */
  readonly name: string;
  /** Number of elements. */
  readonly size: number;
  /** Position of the first byte in the file. */
  readonly start: number;
  /** Bytes of a number of elements, which is a multiple of a block's. */
  bytesOf(elements: number): number;
  /** Makes float32 of bytes; absent where they are float32 already. `target` starts and ends where `bytes` do. */
  readonly convert?: (bytes: Uint8Array, target: Float32Array<ArrayBuffer>) => void;
}

/**
 * Reads one tensor as float32. What must be converted passes through a small buffer, so the memory taken is that of the
 * result.
 *
 * @throws {ModelError} `too-large`, `read-failed`
 */
export async function readAsFloat32(
  handle: FileHandle,
  { name, size, start, bytesOf, convert }: StoredTensor,
  path: string,
): Promise<Float32Array<ArrayBuffer>> {
  const data = allocate(name, size, path);
  if (convert === undefined) {
    await readFully(handle, new Uint8Array(data.buffer), start, path);
    return data;
  }
  const buffer = new Uint8Array(bytesOf(Math.min(size, PIECE_ELEMENTS)));
  for (let done = 0; done < size; done += PIECE_ELEMENTS) {
    const elements = Math.min(PIECE_ELEMENTS, size - done);
    const piece = buffer.subarray(0, bytesOf(elements));
    await readFully(handle, piece, start + bytesOf(done), path);
    convert(piece, data.subarray(done, done + elements));
  }
  return data;
}

function allocate(name: string, size: number, path: string): Float32Array<ArrayBuffer> {
  try {
    return new Float32Array(size);
  } catch (error) {
    throw new ModelError(
      'too-large',
      `${path}: no memory for the ${size} elements of tensor ${quote(name)}`,
      'use a smaller model or a machine with more memory',
      { cause: error },
    );
  }
}
