import type { FileHandle } from 'node:fs/promises';
import { float32, type NDArray } from '@gram/engine';
import { ModelError } from '../error.js';
import { quoted } from '../files/json.js';
import { readFully } from '../files/read.js';
import { dequantize } from './dequantize.js';
import type { GgufTensor } from './parse.js';
import { BLOCKS } from './tensor-types.js';

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

// Small beside a model, large beside the cost of a read. A multiple of the elements of every block.
const PIECE_ELEMENTS = 1 << 20;

/** Reads one tensor as float32. Its blocks pass through a small buffer. */
export async function readGgufTensor(
  handle: FileHandle,
  name: string,
  tensor: GgufTensor,
  path: string,
): Promise<NDArray<'float32'>> {
  const data = allocate(name, tensor.size, path);
  if (tensor.type === 'F32') {
    await readFully(handle, new Uint8Array(data.buffer), tensor.start, path);
    return float32(tensor.shape, data);
  }
  const block = BLOCKS[tensor.type];
  const bytesOf = (elements: number) => (elements / block.elements) * block.bytes;
  const buffer = new Uint8Array(bytesOf(Math.min(tensor.size, PIECE_ELEMENTS)));
  for (let done = 0; done < tensor.size; done += PIECE_ELEMENTS) {
    const elements = Math.min(PIECE_ELEMENTS, tensor.size - done);
    const piece = buffer.subarray(0, bytesOf(elements));
    await readFully(handle, piece, tensor.start + bytesOf(done), path);
    dequantize[tensor.type](piece, data.subarray(done, done + elements));
  }
  return float32(tensor.shape, data);
}
