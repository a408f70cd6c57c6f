import { join } from 'node:path';
import { describeIssues, quote } from '@gram/base';
import { z } from 'zod';
import { ModelError } from '../error.js';
import { readJsonFile } from '../files/json.js';
import { exists } from '../files/read.js';
import type { HubFile, Listing } from './listing.js';
import type { HubReference } from './reference.js';

const CONFIG = 'config.json';
const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const ADAPTER_CONFIG = 'adapter_config.json';
const ADAPTER = 'adapter_model.safetensors';
const SMALL: readonly string[] = [
  CONFIG,
  'generation_config.json',
  'gram.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  ADAPTER_CONFIG,
  'gram_adapter.json',
];

const MAX_SMALL_BYTES = 100_000_000;
const MAX_SHARDS = 10_000;

// A name without a separator that starts with a letter cannot leave the folder.
const weightsPattern = /^\w[\w.-]*\.(?:safetensors|gguf)$/;
const shardPattern = /^\w[\w.-]*\.safetensors$/;
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string().regex(shardPattern)) });

/** Tells whether a file of this name may be fetched at all. */
export function isReadable(name: string): boolean {
  return SMALL.includes(name) || name === INDEX || weightsPattern.test(name);
}

/** Tells whether a name is that of pickled weights. */
export function isPickle(name: string): boolean {
  return /\.(?:bin|pt|pth|ckpt|pkl|pickle)$/.test(name);
}

function noWeights({ repo }: HubReference, { files, pickled }: Listing): ModelError {
  if (pickled) {
    return new ModelError(
      'file-missing',
      `${repo} has only pickled weights, which are never read because loading them runs code`,
      'look for a revision or a copy with safetensors, or convert it',
    );
  }
  const gguf = [...files.keys()].find((name) => name.endsWith('.gguf'));
  return new ModelError(
    'file-missing',
    `${repo} holds neither ${SINGLE} nor ${INDEX}`,
    gguf === undefined ? 'check that it is a model' : `ask for one of its GGUF files: ${repo}/${gguf}`,
  );
}

/** Files of a repository that a model needs. */
export interface NeededFiles {
  /** Configuration and tokenizer. */
  readonly small: readonly HubFile[];
  /** Names the shards, which are needed too. */
  readonly index: HubFile | undefined;
  readonly weights: readonly HubFile[];
}

/**
 * Chooses what a model needs: `model.safetensors` or else the index of its shards, an adapter, configuration and
 * tokenizer. Of a reference to a GGUF file, it chooses that file alone, which holds everything.
 *
 * @throws {ModelError} `file-missing` without weights, `too-large` for a configuration or tokenizer over 100 MB
 */
export function chooseFiles(reference: HubReference, listing: Listing): NeededFiles {
  const { repo, file } = reference;
  const { files } = listing;
  const present = (names: readonly string[]) => names.flatMap((name) => files.get(name) ?? []);
  if (file !== undefined) {
    const weights = present([file]);
    if (weights.length === 1) return { small: [], index: undefined, weights };
    throw new ModelError('file-missing', `${repo} has no file ${quote(file)}`, 'check the name on its page');
  }
  const index = files.has(SINGLE) ? undefined : files.get(INDEX);
  // The adapter first: `isComplete` takes the weights of the model as the last to come.
  const weights = present([ADAPTER, SINGLE]);
  if (index === undefined && weights.length === 0) throw noWeights(reference, listing);
  const small = present(SMALL);
  const large = [...small, ...(index ? [index] : [])].find(({ size }) => size > MAX_SMALL_BYTES);
  if (large !== undefined) {
    throw new ModelError(
      'too-large',
      `${large.name} of ${repo} has ${large.size} bytes, more than the limit of ${MAX_SMALL_BYTES}`,
      'check that it is the model you mean',
    );
  }
  return { small, index, weights };
}

/** Reads the names of the shards from the index in a directory. */
async function shardNames(dir: string): Promise<string[]> {
  const where = join(dir, INDEX);
  const result = indexSchema.safeParse(await readJsonFile(where, MAX_SMALL_BYTES));
  const refuse = (problem: string) =>
    new ModelError('bad-weights', `${where}: ${problem}`, 'get the model from another source');
  if (!result.success) throw refuse(describeIssues(result.error.issues));
  const names = [...new Set(Object.values(result.data.weight_map))].sort();
  if (names.length <= MAX_SHARDS) return names;
  throw refuse(`names ${names.length} shards, more than the limit of ${MAX_SHARDS}`);
}

/**
 * Returns the shards that the index in a directory names, as the hub lists them.
 *
 * @throws {ModelError} `bad-weights`, `bad-json`, `file-missing` when the hub lacks one
 */
export async function listedShards(
  dir: string,
  { repo }: HubReference,
  listing: Listing,
): Promise<HubFile[]> {
  return (await shardNames(dir)).map((name) => {
    const shard = listing.files.get(name);
    if (shard !== undefined) return shard;
    throw new ModelError(
      'file-missing',
      `${repo} lacks ${quote(name)}, which its index names`,
      'get the model from another source',
    );
  });
}

/** Tells whether a directory holds all that a model needs. Weights are fetched last, so they vouch for the small files. */
export async function isComplete(dir: string, { file }: HubReference): Promise<boolean> {
  const has = (name: string) => exists(join(dir, name));
  if (file !== undefined) return has(file);
  if (await has(SINGLE)) return has(CONFIG);
  if (await has(INDEX)) {
    const found = await Promise.all([CONFIG, ...(await shardNames(dir))].map(has));
    return found.every(Boolean);
  }
  return (await has(ADAPTER_CONFIG)) && (await has(ADAPTER));
}
