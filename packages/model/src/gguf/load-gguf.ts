import type { FileHandle } from 'node:fs/promises';
import type { ModelConfig } from '../config/model-config.js';
import type { Weights } from '../config/weight-shapes.js';
import { withFile } from '../files/read.js';
import { configOfGguf } from './config.js';
import { unsupportedGguf } from './error.js';
import { type GgufHeader, type GgufTensor, readGgufHeader } from './parse.js';
import { readGgufTensor } from './read-tensor.js';
import { ROPE_FACTORS } from './rope-factors.js';
import { checkGgufTensors, readGgufWeights } from './tensors.js';
import { type GgufTokenizer, tokenizerOfGguf } from './tokenizer.js';

/** Model that the header of a GGUF file describes. */
export interface GgufConfig {
  readonly config: ModelConfig;
  /** Tensors by the names of the file, in its order. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Size of the file. */
  readonly bytes: number;
}

/** A model from a GGUF file. */
export interface GgufModel extends GgufTokenizer {
  readonly config: ModelConfig;
  /** Float32, with the names and shapes of Hugging Face. */
  readonly weights: Weights;
}

// More than the half of any head.
const MAX_FACTORS = 4096;

/** The factors of the rotary embedding, a small tensor that belongs to the configuration. */
async function readFactors(
  handle: FileHandle,
  { tensors }: GgufHeader,
  path: string,
): Promise<Float32Array | undefined> {
  const tensor = tensors.get(ROPE_FACTORS);
  if (tensor === undefined) return undefined;
  if (tensor.size > MAX_FACTORS) throw unsupportedGguf(path, `the tensor "${ROPE_FACTORS}" is too large`);
  return (await readGgufTensor(handle, ROPE_FACTORS, tensor, path)).data;
}

async function readModel(handle: FileHandle, fileSize: number, path: string) {
  const header = await readGgufHeader(handle, fileSize, path);
  const config = configOfGguf(header, await readFactors(handle, header, path), path);
  checkGgufTensors(header, config, path);
  return { header, config };
}

/**
 * Reads what a GGUF file says of its model, and no weights. All checks of `loadGguf` but those of the tokenizer are
 * made.
 *
 * @throws {ModelError} as `loadGguf`
 */
export function readGgufConfig(path: string): Promise<GgufConfig> {
  return withFile(path, async (handle, bytes) => {
    const { header, config } = await readModel(handle, bytes, path);
    return { config, tensors: header.tensors, bytes };
  });
}

/**
 * Reads the tokenizer of a GGUF file, and no weights.
 *
 * @throws {ModelError} as `loadGguf`
 */
export function readGgufTokenizer(path: string): Promise<GgufTokenizer> {
  return withFile(path, async (handle, bytes) =>
    tokenizerOfGguf(await readGgufHeader(handle, bytes, path), path),
  );
}

/**
 * Loads configuration and weights of a GGUF file, whatever its tokenizer is.
 *
 * @throws {ModelError} as `loadGguf`
 */
export function loadGgufWeights(path: string): Promise<Pick<GgufModel, 'config' | 'weights'>> {
  return withFile(path, async (handle, fileSize) => {
    const { header, config } = await readModel(handle, fileSize, path);
    return { config, weights: await readGgufWeights({ handle, header, config, path }) };
  });
}

/**
 * Loads a model from one GGUF file of llama.cpp: the architectures of the families that have `gguf`, tensors of the
 * types in `BLOCKS`, byte-level BPE. Weights become float32, bit for bit what ggml gives, under the names of Hugging
 * Face; the rows of queries and keys of Llama get their order back. Tensors are read one by one, so the memory taken
 * is that of the result.
 *
 * The file is not trusted, see `readGgufHeader`. What would change the numbers and is not supported is refused by
 * name, and so is a missing, additional or misshapen tensor.
 *
 * @throws {ModelError} `bad-gguf`, `bad-config`, `bad-tokenizer`, `bad-weights`, `unsupported-dtype`, `file-missing`,
 * `read-failed`, `too-large`.
 */
export function loadGguf(path: string): Promise<GgufModel> {
  return withFile(path, async (handle, fileSize) => {
    const { header, config } = await readModel(handle, fileSize, path);
    const tokenizer = tokenizerOfGguf(header, path);
    return { config, weights: await readGgufWeights({ handle, header, config, path }), ...tokenizer };
  });
}
