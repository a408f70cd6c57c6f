import type { FileHandle } from 'node:fs/promises';
import { float32, type NDArray } from '@gram/engine';
import { readAsFloat32 } from '../files/read-tensor.js';
import { dequantize } from './blocks/dequantize.js';
import { BLOCKS } from './blocks/tensor-types.js';
import type { GgufTensor } from './parse.js';

/** Reads one tensor as float32, block by block. @throws {ModelError} `bad-weights` where it is not finite */
export async function readGgufTensor(
  handle: FileHandle,
  name: string,
  { type, shape, size, start }: GgufTensor,
  path: string,
): Promise<NDArray<'float32'>> {
  const block = BLOCKS[type];
  const bytesOf = (elements: number) => (elements / block.elements) * block.bytes;
  const convert = type === 'F32' ? undefined : dequantize[type];
  const stored = { name, size, start, bytesOf, convert, mustBeFinite: true };
  return float32(shape, await readAsFloat32(handle, stored, path));
}
