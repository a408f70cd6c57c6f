import type { FileHandle } from 'node:fs/promises';
import { quote } from '@gram/base';
import { allFinite } from '@gram/engine';
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
  /** Refuses values that are not finite, as weights are refused. @default false */
  readonly mustBeFinite?: boolean;
}

/**
 * Reads one tensor as float32, in small pieces: what must be converted passes through a buffer, so that the memory taken is that
 * of the result, and a piece is checked while the caches hold it.
 *
 * @throws {ModelError} `bad-weights`, `too-large`, `read-failed`
 */
export async function readAsFloat32(
  handle: FileHandle,
  { name, size, start, bytesOf, convert, mustBeFinite = false }: StoredTensor,
  path: string,
): Promise<Float32Array<ArrayBuffer>> {
  const data = allocate(name, size, path);
  const buffer = convert && new Uint8Array(bytesOf(Math.min(size, PIECE_ELEMENTS)));
  for (let done = 0; done < size; done += PIECE_ELEMENTS) {
    const elements = Math.min(PIECE_ELEMENTS, size - done);
    const target = data.subarray(done, done + elements);
    const stored = buffer?.subarray(0, bytesOf(elements)) ?? bytesIn(target);
    await readFully(handle, stored, start + bytesOf(done), path);
    convert?.(stored, target);
    if (mustBeFinite && !allFinite(target)) throw notFinite(name, path);
  }
  return data;
}

function bytesIn({ buffer, byteOffset, byteLength }: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function notFinite(name: string, path: string): ModelError {
  return new ModelError(
    'bad-weights',
    `${path}: tensor ${quote(name)} holds a value that is not finite`,
    'get the file again from its source, or go back to a checkpoint before training diverged',
  );
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
