import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkMemory,
  type FileName,
  type MemoryNeed,
  oldDirectory,
  withinMemory,
  writeDirectoryAtomic,
} from '@gram/base';
import { configText, configToJson } from '../config/config-json.js';
import { kindOf, type ModelConfig } from '../config/model-config.js';
import { parseConfig } from '../config/parse-config.js';
import { type Weights, weightShapes } from '../config/weight-shapes.js';
import { ModelError } from '../error.js';
import { checkShapes } from '../files/check-weights.js';
import { readJsonFile } from '../files/json.js';
import { exists } from '../files/read.js';
import { loadGgufWeights, readGgufConfig } from '../gguf/load-gguf.js';
import { type ResolveOptions, resolveModel } from '../hub/resolve-model.js';
import type { WritableArrays } from '../safetensors/write.js';
import { weightBytes } from '../weight-bytes.js';
import { COMPANION_FILES, type Companions } from './companions.js';
import { type GramMetadata, parseGramMetadata } from './gram-metadata.js';
import { loadWeights } from './load-weights.js';
import { saveWeights, WEIGHT_FILES } from './save-weights.js';
import { tokenizerConfig } from './tokenizer-config.js';

const MAX_JSON_BYTES = 10_000_000;

/** Graphs that read a model's weights; they are stale once the model is replaced, and go with it. */
export const GRAPH_FILES = ['judge.onnx', 'reward.onnx', 'prompt.onnx', 'next.onnx'] as const;

/** The files that `saveModel` and the exports write, for `checkReplaceable`. */
export const MODEL_FILES: readonly FileName[] = [
  'config.json',
  'gram.json',
  ...WEIGHT_FILES,
  ...Object.values(COMPANION_FILES),
  ...GRAPH_FILES,
];

/** A model that was loaded. */
export interface LoadedModel {
  readonly config: ModelConfig;
  readonly weights: Weights;
  /** Undefined for a plain language model, which has no `gram.json`. */
  readonly gram: GramMetadata | undefined;
  /** Where it was found on this machine: a directory, or a GGUF file. */
  readonly path: string;
  /** Names of tensors in its files that are no weights of it: buffers that are computed again, heads of an earlier use. */
  readonly ignored: readonly string[];
}

/** A model to save, with the files that stand beside its weights, see `readCompanions`. */
export interface ModelToSave extends Companions {
  readonly config: ModelConfig;
  /** In memory, or made as they are written, see `mergeToSave`. */
  readonly weights: WritableArrays;
  /** Left out for a plain language model. */
  readonly gram?: GramMetadata;
}

/** Options of `saveModel`. */
export interface SaveOptions {
  /** Element type of the saved weights; bfloat16 rounds them to nearest. @default 'float32' */
  readonly dtype?: 'float32' | 'bfloat16';
  /** The most bytes of tensors in one file. @default 5e9 */
  readonly maxShardBytes?: number;
}

const heads = {
  generative: ['a generative reward model', 'next-token'],
  discriminative: ['a discriminative reward model', 'score'],
  policy: ['a policy', 'next-token'],
  value: ['a value model', 'score'],
} as const;

function checkKind({ kind }: GramMetadata, config: ModelConfig, where: string): void {
  const [name, wanted] = heads[kind];
  if (kindOf(config).head === wanted) return;
  throw new ModelError(
    'bad-metadata',
    `${where}: ${name} has a ${wanted} head, the configuration says ${config.architecture}`,
    'use the gram.json and the config.json of one model',
  );
}

/** Reads and checks the `config.json` of a model directory. */
export async function readConfig(dir: string): Promise<ModelConfig> {
  if (!(await exists(dir))) {
    const old = await oldDirectory(dir);
    throw new ModelError(
      'file-missing',
      `${dir} does not exist`,
      (await exists(old)) ? `saving was interrupted: rename ${old} back to ${dir}` : 'check the path',
    );
  }
  const path = join(dir, 'config.json');
  if (!(await exists(path)) && (await exists(join(dir, 'adapter_config.json')))) {
    throw new ModelError(
      'file-missing',
      `${dir} holds an adapter and no model`,
      'merge it into its base, for example with gram merge',
    );
  }
  return parseConfig(await readJsonFile(path, MAX_JSON_BYTES), path);
}

/** Reads and checks `gram.json`, where there is one. */
export async function readGram(dir: string, config: ModelConfig): Promise<GramMetadata | undefined> {
  const path = join(dir, 'gram.json');
  if (!(await exists(path))) return undefined;
  const gram = parseGramMetadata(await readJsonFile(path, MAX_JSON_BYTES), path);
  checkKind(gram, config, path);
  return gram;
}

/**
 * Loads a model in the layout of Hugging Face: `config.json`, `model.safetensors` (or its shards and their index)
 * and, for a model that this project made, `gram.json`; or one GGUF file of llama.cpp. Weights are float32, in the order of
 * `weightShapes`. A missing, additional or misshapen tensor is an error, and so is a value that is not finite. What is `ignored`
 * is no error. A stored copy of a tied head is dropped when it
 * equals the embedding matrix.
 *
 * @example
 * ```ts
 * const { config, weights } = await loadModel('HuggingFaceTB/SmolLM2-135M');
 * ```
 *
 * @param pathOrRepo a directory, a `.gguf` file, or a repository of the hub, see `resolveModel`
 * @throws {ModelError} of every code but those of writing; {BaseError} `out-of-memory`, before weights are read that this
 *   process cannot hold
 */
export async function loadModel(pathOrRepo: string, options: ResolveOptions = {}): Promise<LoadedModel> {
  const path = await resolveModel(pathOrRepo, options);
  if (path.endsWith('.gguf')) {
    const need = weightsNeed((await readGgufConfig(path)).config, path);
    checkMemory(need);
    const { config, weights } = await withinMemory(need, () => loadGgufWeights(path));
    return { config, weights, gram: undefined, path, ignored: [] };
  }
  const config = await readConfig(path);
  const gram = await readGram(path, config);
  const need = weightsNeed(config, path);
  checkMemory(need);
  return { config, ...(await withinMemory(need, () => loadWeights(path, config))), gram, path };
}

function weightsNeed(config: ModelConfig, path: string): MemoryNeed {
  return {
    work: `loading the weights of ${path} as float32`,
    bytes: weightBytes(config),
    hint: 'use a smaller model, end other programs, or raise the limit of this process',
  };
}

/** Fields that transformers asks of a causal model at each generation. */
function generationConfig(config: ModelConfig): Record<string, unknown> {
  const ids = {
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenId,
    pad_token_id: config.padTokenId,
  };
  return Object.fromEntries(Object.entries(ids).filter(([, id]) => id !== undefined));
}

/** The texts of all files but the weights. */
function filesOf(model: ModelToSave, dtype: 'float32' | 'bfloat16'): Map<string, string> {
  const { config, gram, tokenizerJson } = model;
  const text = (json: unknown) => `${JSON.stringify(json, null, 2)}\n`;
  const files = new Map([['config.json', configText(config, dtype)]]);
  if (gram !== undefined) files.set('gram.json', text(gram));
  if (kindOf(config).head === 'next-token') {
    files.set(COMPANION_FILES.generationConfigJson, text(generationConfig(config)));
  }
  if (tokenizerJson !== undefined && model.tokenizerConfigJson === undefined) {
    files.set(COMPANION_FILES.tokenizerConfigJson, text(tokenizerConfig(tokenizerJson, config)));
  }
  // What the caller gives goes before what follows from the configuration.
  for (const [key, name] of Object.entries(COMPANION_FILES)) {
    const given = model[key as keyof Companions];
    if (given !== undefined) files.set(name, given);
  }
  return files;
}

/**
 * Saves a model as a directory that `loadModel`, transformers and vLLM load. The directory appears as a whole, see
 * `writeDirectoryAtomic`; an existing one is replaced if it holds nothing but `MODEL_FILES`. Everything is
 * checked before the first byte is written.
 *
 * @example
 * ```ts
 * await saveModel('models/copy', { config, weights }, { dtype: 'bfloat16' });
 * ```
 *
 * @throws {ModelError} `bad-config`, `bad-metadata`, `bad-tokenizer`, `bad-weights`; {BaseError} `not-replaceable`,
 *   `write-failed`
 */
export async function saveModel(
  dir: string,
  model: ModelToSave,
  { dtype = 'float32', maxShardBytes = 5e9 }: SaveOptions = {},
): Promise<void> {
  const { config, weights } = model;
  parseConfig(configToJson(config), 'config');
  if (model.gram !== undefined)
    checkKind(parseGramMetadata(model.gram, 'gram metadata'), config, 'gram metadata');
  checkShapes(new Map(Object.entries(weights)), new Map(Object.entries(weightShapes(config))), 'weights');
  const files = filesOf(model, dtype);
  await writeDirectoryAtomic(dir, MODEL_FILES, async (temporary) => {
    for (const [name, content] of files) await writeFile(join(temporary, name), content);
    await saveWeights(temporary, weights, dtype === 'bfloat16' ? 'BF16' : 'F32', maxShardBytes);
  });
}
