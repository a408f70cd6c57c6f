import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { quote } from '@gram/base';
import { allFinite, type NDArray, type QuantizedMatrix } from '@gram/engine';
import type { ModelConfig } from '../config/model-config.js';
import { weightShapes } from '../config/weight-shapes.js';
import { checkCopiedHead, readCheckedHeaders } from '../directory/load-weights.js';
import { ModelError } from '../error.js';
import { readFully, withFile } from '../files/read.js';
import { readGgufHeader } from '../gguf/parse.js';
import { readGgufInt4, readGgufWeight } from '../gguf/tensors.js';
import { type TensorEntry, weightDType } from '../safetensors/header.js';
import { readTensor } from '../safetensors/read.js';

/** A weight in a model's file, which has not been read. */
export interface StoredWeight {
  readonly name: string;
  /** Position of its first byte where it lies in the file as float32, aligned. */
  readonly float32At?: { readonly path: string; readonly offset: number };
  /** Reads it as float32. @throws {ModelError} `bad-weights` where it is not finite */
  read(): Promise<NDArray<'float32'>>;
  /** Reads 4-bit blocks as they are stored; undefined where they are stored otherwise. */
  readInt4?(): Promise<QuantizedMatrix | undefined>;
  /** Checks without keeping them that the values are finite. @throws {ModelError} `bad-weights` */
  check(): Promise<void>;
}

/** Visits the weights of a model one after the other, in the order of its files. */
export type EachWeight = (visit: (weight: StoredWeight) => Promise<void>) => Promise<void>;

/** The weights of a directory of safetensors, whose headers were checked. */
export function safetensorsWeights(dir: string, config: ModelConfig): EachWeight {
  return async (visit) => {
    const { headers, ignored } = await readCheckedHeaders(dir, config);
    const names = new Set(Object.keys(weightShapes(config)));
    const skipped = new Set(ignored);
    for (const [file, { tensors }] of headers) {
      const path = join(dir, file);
      await withFile(path, async (handle) => {
        for (const [name, entry] of tensors) {
          if (names.has(name) && !skipped.has(name)) await visit(storedTensor(handle, name, entry, path));
        }
      });
    }
    await checkCopiedHead(dir, config, headers);
  };
}

function storedTensor(handle: FileHandle, name: string, entry: TensorEntry, path: string): StoredWeight {
  const isInPlace = weightDType(name, entry, path) === 'F32' && entry.start % 4 === 0;
  return {
    name,
    ...(isInPlace && { float32At: { path, offset: entry.start } }),
    read: () => readTensor(handle, name, { ...entry, mustBeFinite: true }, path),
    async check() {
      if (isInPlace) await checkFinite(handle, name, entry, path);
      else await readTensor(handle, name, { ...entry, mustBeFinite: true }, path);
    },
  };
}

// Small enough to stay in the caches of the processor.
const PIECE_ELEMENTS = 1 << 18;
let piece: Float32Array<ArrayBuffer> | undefined;

async function checkFinite(handle: FileHandle, name: string, { start, size }: TensorEntry, path: string) {
  piece ??= new Float32Array(PIECE_ELEMENTS);
  for (let done = 0; done < size; done += PIECE_ELEMENTS) {
    const part = piece.subarray(0, Math.min(PIECE_ELEMENTS, size - done));
    await readFully(handle, new Uint8Array(part.buffer, 0, part.byteLength), start + 4 * done, path);
    if (allFinite(part)) continue;
    throw new ModelError(
      'bad-weights',
      `${path}: tensor ${quote(name)} holds a value that is not finite`,
      'get the file again from its source, or go back to a checkpoint before training diverged',
    );
  }
}

/** The weights of a GGUF file. */
export function ggufWeights(path: string, config: ModelConfig): EachWeight {
  return (visit) =>
    withFile(path, async (handle, size) => {
      const header = await readGgufHeader(handle, size, path);
      for (const name of Object.keys(weightShapes(config))) {
        const stored = { handle, header, config, path };
        const read = () => readGgufWeight(name, stored);
        await visit({
          name,
          read,
          readInt4: () => readGgufInt4(name, stored),
          check: async () => void (await read()),
        });
      }
    });
}
