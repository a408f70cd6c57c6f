import type { FileHandle } from 'node:fs/promises';
import { quote, writeStreamAtomic } from '@gram/base';
import { type NDArray, sizeOf } from '@gram/engine';
import { ModelError } from '../error.js';
import { LENGTH_BYTES, MAX_HEADER_BYTES } from './header.js';
import { roundToBfloat16 } from './narrow.js';

/** Element type of a file. */
export type SavedDType = 'F32' | 'BF16';

export const SAVED_BYTES = { F32: 4, BF16: 2 } as const satisfies Record<SavedDType, number>;

/** A float32 array that is made when it is written, so that it is in memory only then. */
export interface ArrayToMake {
  readonly shape: readonly number[];
  make(): NDArray<'float32'> | Promise<NDArray<'float32'>>;
}

/** Arrays to write, by name: in memory, or made one after the other. */
export type WritableArrays = Readonly<Record<string, NDArray<'float32'> | ArrayToMake>>;

function checkTensor(name: string, tensor: WritableArrays[string]): void {
  const problem = name === '__metadata__' || name === '__proto__' ? 'has a reserved name' : problemOf(tensor);
  if (problem === undefined) return;
  throw new ModelError(
    'bad-weights',
    `tensor ${quote(name)} ${problem}`,
    'pass float32 arrays of the engine',
  );
}

function problemOf(tensor: WritableArrays[string]): string | undefined {
  if ('make' in tensor) return undefined;
  const { shape, data } = tensor;
  if (!(data instanceof Float32Array)) return 'does not hold float32 values';
  return sizeOf(shape) === data.length ? undefined : `has the shape [${shape}] and ${data.length} elements`;
}

/** Gives the array of a tensor. One that is made has to have the size of its shape. @throws {ModelError} `bad-weights` */
export async function arrayOf(name: string, tensor: WritableArrays[string]): Promise<NDArray<'float32'>> {
  if (!('make' in tensor)) return tensor;
  const array = { ...(await tensor.make()), shape: tensor.shape };
  checkTensor(name, array);
  return array;
}

/** Length prefix and header, padded with spaces to a multiple of eight so that the data is aligned. */
function formatHeader(
  tensors: readonly (readonly [name: string, tensor: WritableArrays[string]])[],
  metadata: Record<string, string>,
  dtype: SavedDType,
): Uint8Array {
  let position = 0;
  const entries = tensors.map(([name, { shape }]) => {
    const start = position;
    position += sizeOf(shape) * SAVED_BYTES[dtype];
    return [name, { dtype, shape, data_offsets: [start, position] }] as const;
  });
  const sorted = Object.entries({ format: 'pt', ...metadata }).sort(([a], [b]) => (a < b ? -1 : 1));
  const json = JSON.stringify({ __metadata__: Object.fromEntries(sorted), ...Object.fromEntries(entries) });
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw new ModelError(
      'too-large',
      `the header would have ${length} bytes`,
      'write fewer tensors to one file',
    );
  }
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, LENGTH_BYTES);
  return bytes;
}

// Small beside a model, large beside the cost of a write.
const NARROW_ELEMENTS = 1 << 20;

async function writeTensor(handle: FileHandle, data: Float32Array, dtype: SavedDType): Promise<void> {
  if (dtype === 'F32') {
    await handle.writeFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return;
  }
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const halves = new Uint16Array(Math.min(data.length, NARROW_ELEMENTS));
  for (let done = 0; done < data.length; done += halves.length) {
    const part = bits.subarray(done, done + halves.length);
    roundToBfloat16(part, halves);
    await handle.writeFile(new Uint8Array(halves.buffer, 0, 2 * part.length));
  }
}

/**
 * Writes float32 tensors to a safetensors file, atomically. Tensors lie in the order of their names, so equal
 * tensors give equal bytes; one is made and written after the other, so little memory is taken.
 *
 * @param metadata more text for the header; `format: 'pt'`, which transformers asks for, is always there.
 * @param dtype BF16 rounds to nearest, ties to even. @default 'F32'
 * @throws {ModelError} `bad-weights`, `too-large`, `write-failed`
 */
export async function writeSafetensors(
  path: string,
  tensors: WritableArrays,
  metadata: Readonly<Record<string, string>> = {},
  dtype: SavedDType = 'F32',
): Promise<void> {
  for (const [name, tensor] of Object.entries(tensors)) checkTensor(name, tensor);
  const sorted = Object.entries(tensors).sort(([a], [b]) => (a < b ? -1 : 1));
  const header = formatHeader(sorted, metadata, dtype);
  await writeStreamAtomic(path, async (handle) => {
    await handle.writeFile(header);
    for (const [name, tensor] of sorted) await writeTensor(handle, (await arrayOf(name, tensor)).data, dtype);
  });
}
