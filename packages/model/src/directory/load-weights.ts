import { join } from 'node:path';
import { describeIssues, quote } from '@gram/base';
import type { ConstantSource, NDArray } from '@gram/engine';
import { z } from 'zod';
import { kindOf, type ModelConfig } from '../config/model-config.js';
import { type Weights, weightOf, weightShapes } from '../config/weight-shapes.js';
import { ModelError } from '../error.js';
import { checkShapes } from '../files/check-weights.js';
import { readJsonFile } from '../files/json.js';
import { exists, withFile } from '../files/read.js';
import { type Header, holdsIntegers, type TensorEntry, weightDType } from '../safetensors/header.js';
import { readHeader, readTensor } from '../safetensors/read.js';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const EMBEDDING = 'model.embed_tokens.weight';
const LM_HEAD = 'lm_head.weight';
const MAX_INDEX_BYTES = 100_000_000;
const MAX_SHARDS = 10_000;

// A name without a separator cannot leave the folder.
const shardName = z.string().regex(/^[\w.-]+\.safetensors$/, 'not the name of a shard');
const indexSchema = z.object({ weight_map: z.record(z.string(), shardName) });

/** File of the folder -> its header. */
type Headers = ReadonlyMap<string, Header>;

async function readHeaders(dir: string, files: Iterable<string>): Promise<Headers> {
  const headers = new Map<string, Header>();
  for (const file of files) {
    const path = join(dir, file);
    headers.set(file, await withFile(path, (handle, size) => readHeader(handle, size, path)));
  }
  return headers;
}

async function readShardHeaders(dir: string): Promise<Headers> {
  const where = join(dir, INDEX);
  const refuse = (problem: string) =>
    new ModelError('bad-weights', `${where}: ${problem}`, 'get the model again from its source');
  const result = indexSchema.safeParse(await readJsonFile(where, MAX_INDEX_BYTES));
  if (!result.success) throw refuse(describeIssues(result.error.issues));
  const shardOf = new Map(Object.entries(result.data.weight_map));
  const shards = new Set(shardOf.values());
  if (shards.size > MAX_SHARDS)
    throw refuse(`names ${shards.size} shards, more than the limit of ${MAX_SHARDS}`);
  const headers = await readHeaders(dir, shards);
  for (const [shard, header] of headers) {
    for (const name of header.tensors.keys()) {
      if (shardOf.get(name) !== shard)
        throw refuse(`${shard} holds ${quote(name)}, the index says otherwise`);
    }
  }
  for (const [name, shard] of shardOf) {
    if (!headers.get(shard)?.tensors.has(name)) throw refuse(`${quote(name)} is not in ${shard}`);
  }
  return headers;
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bitsOf = (data: Float32Array) => new Uint32Array(data.buffer, data.byteOffset, data.length);
  const other = bitsOf(b);
  return bitsOf(a).every((bits, i) => bits === other[i]);
}

/** The headers of `model.safetensors`, or of the shards of `model.safetensors.index.json`. */
async function readModelHeaders(dir: string): Promise<Headers> {
  if (await exists(join(dir, SINGLE))) return readHeaders(dir, [SINGLE]);
  if (await exists(join(dir, INDEX))) return readShardHeaders(dir);
  throw new ModelError(
    'file-missing',
    `${dir} holds neither ${SINGLE} nor ${INDEX}`,
    'convert other formats to safetensors; pickled weights are never read, because loading them runs code',
  );
}

/** Headers of the files of a model, and what they hold beside its weights. */
interface CheckedHeaders {
  readonly headers: Headers;
  /** Names of tensors that are no weights of the model, see `isLeftOver`. */
  readonly ignored: readonly string[];
}

/**
 * Reads the headers of a model's files, after a check of all names, shapes and element types. Some writers store a tied head a
 * second time; it may be there.
 */
export async function readCheckedHeaders(dir: string, config: ModelConfig): Promise<CheckedHeaders> {
  const headers = await readModelHeaders(dir);
  const found = new Map<string, TensorEntry>([...headers.values()].flatMap((header) => [...header.tensors]));
  const expected = new Map(Object.entries(weightShapes(config)));
  if (hasCopiedHead(config, found)) expected.set(LM_HEAD, [config.vocabSize, config.hiddenSize]);
  const ignored = [...found]
    .filter(([name, entry]) => !expected.has(name) && isLeftOver(name, entry, config))
    .map(([name]) => name);
  for (const name of ignored) found.delete(name);
  checkShapes(found, expected, dir);
  for (const [name, entry] of found) weightDType(name, entry, dir);
  return { headers, ignored };
}

/** Buffers of older versions of transformers that are computed again: frequencies, rotations and masks. */
const BUFFER = /(^|\.)(inv_freq|cos_cached|sin_cached|masked_bias|causal_mask|position_ids)$/;
/** The head for values that TRL puts on a policy. */
const VALUE_HEAD = /^v_head\./;

/**
 * Whether a tensor that the configuration does not ask for changes nothing: a buffer that is computed again, integers, or a head
 * of an earlier use of the decoder.
 */
function isLeftOver(name: string, entry: TensorEntry, config: ModelConfig): boolean {
  const isLanguageHead = name === LM_HEAD && kindOf(config).head === 'score';
  return BUFFER.test(name) || VALUE_HEAD.test(name) || isLanguageHead || holdsIntegers(entry);
}

function hasCopiedHead(config: ModelConfig, found: ReadonlyMap<string, unknown>): boolean {
  return kindOf(config).head === 'next-token' && config.tieWordEmbeddings && found.has(LM_HEAD);
}

function otherHead(dir: string): ModelError {
  return new ModelError(
    'bad-weights',
    `${dir}: ${LM_HEAD} differs from the embedding matrix, to which config.json ties it`,
    'set tie_word_embeddings to false in config.json if the head is meant to be its own',
  );
}

/**
 * Checks that a stored copy of a tied head equals the embedding matrix, where there is one.
 *
 * @throws {ModelError} `bad-weights`
 */
export async function checkCopiedHead(dir: string, config: ModelConfig, headers: Headers): Promise<void> {
  const places = new Map<string, { file: string; entry: TensorEntry }>();
  for (const [file, { tensors }] of headers) {
    for (const [name, entry] of tensors) places.set(name, { file, entry });
  }
  if (!hasCopiedHead(config, places)) return;
  const readPlace = async (name: string) => {
    const place = places.get(name);
    if (place === undefined) throw otherHead(dir);
    const path = join(dir, place.file);
    return withFile(path, (handle) => readTensor(handle, name, { ...place.entry, mustBeFinite: true }, path));
  };
  const [head, embedding] = [await readPlace(LM_HEAD), await readPlace(EMBEDDING)];
  if (!sameBits(head.data, embedding.data)) throw otherHead(dir);
}

/** Names of the element types of a file in the graph of an exported function. */
const graphTypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/**
 * Where the bytes of a model's weights lie, by weight name: for `exportOnnx`, whose graph then reads them from the
 * model's own files. Names and shapes are checked, no weight is read.
 *
 * @throws {ModelError} as `loadModel`
 */
export async function weightFiles(dir: string, config: ModelConfig): Promise<Record<string, ConstantSource>> {
  const { headers } = await readCheckedHeaders(dir, config);
  const names = new Set(Object.keys(weightShapes(config)));
  const files: Record<string, ConstantSource> = Object.create(null);
  for (const [location, { tensors }] of headers) {
    for (const [name, entry] of tensors) {
      if (!names.has(name)) continue;
      files[name] = { location, offset: entry.start, type: graphTypes[weightDType(name, entry, dir)] };
    }
  }
  return files;
}

/**
 * Reads the weights of a model from `model.safetensors` or the shards of `model.safetensors.index.json`. All names
 * and shapes are checked before the first tensor is read; values that are not finite are refused.
 */
export async function loadWeights(
  dir: string,
  config: ModelConfig,
): Promise<Pick<CheckedHeaders, 'ignored'> & { readonly weights: Weights }> {
  const { headers, ignored } = await readCheckedHeaders(dir, config);
  const skipped = new Set(ignored);
  const read: Record<string, NDArray<'float32'>> = Object.create(null);
  for (const [file, { tensors }] of headers) {
    const path = join(dir, file);
    await withFile(path, async (handle) => {
      for (const [name, entry] of tensors) {
        if (skipped.has(name)) continue;
        read[name] = await readTensor(handle, name, { ...entry, mustBeFinite: true }, path);
      }
    });
  }
  if (
    hasCopiedHead(config, new Map(Object.entries(read))) &&
    !sameBits(weightOf(read, LM_HEAD).data, weightOf(read, EMBEDDING).data)
  ) {
    throw otherHead(dir);
  }
  const weights: Record<string, NDArray<'float32'>> = Object.create(null);
  for (const name of Object.keys(weightShapes(config))) weights[name] = weightOf(read, name);
  return { weights, ignored };
}
