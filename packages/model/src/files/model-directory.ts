import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configToJson } from '../config/config-json.js';
import { kindOf, type ModelConfig } from '../config/model-config.js';
import { parseConfig } from '../config/parse-config.js';
import { type Weights, weightShapes } from '../config/weight-shapes.js';
import { ModelError } from '../error.js';
import { writeSafetensors } from '../safetensors/write.js';
import { oldDirectory, writeDirectoryAtomic } from './atomic.js';
import { checkShapes } from './check-weights.js';
import { type GramMetadata, parseGramMetadata } from './gram-metadata.js';
import { readJsonFile } from './json.js';
import { loadWeights } from './load-weights.js';
import { exists } from './read.js';
import { tokenizerConfig } from './tokenizer-config.js';

const MAX_JSON_BYTES = 10_000_000;

/** The files that `saveModel` writes, for `checkReplaceable`. */
export const MODEL_FILES: readonly string[] = [
  'config.json',
  'gram.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
];

/** What a model directory holds. */
export interface LoadedModel {
  readonly config: ModelConfig;
  readonly weights: Weights;
  /** Undefined for a plain language model, which has no `gram.json`. */
  readonly gram: GramMetadata | undefined;
}

/** A model to save. */
export interface ModelToSave {
  readonly config: ModelConfig;
  readonly weights: Weights;
  readonly gram: GramMetadata;
  /** Text of `tokenizer.json`. */
  readonly tokenizerJson?: string;
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

/**
 * Loads a model in the layout of Hugging Face: `config.json`, `model.safetensors` (or its shards and their index)
 * and, for a model that this project made, `gram.json`. Weights are float32, in the order of `weightShapes`. A missing, additional
 * or misshapen tensor is an error. A stored copy of a tied head is dropped when it equals the embedding matrix.
 *
 * @throws ModelError of every code but those of writing.
 */
export async function loadModel(dir: string): Promise<LoadedModel> {
  if (!(await exists(dir))) {
    const old = await oldDirectory(dir);
    throw new ModelError(
      'file-missing',
      `${dir} does not exist`,
      (await exists(old)) ? `saving was interrupted: rename ${old} back to ${dir}` : 'check the path',
    );
  }
  const configPath = join(dir, 'config.json');
  const config = parseConfig(await readJsonFile(configPath, MAX_JSON_BYTES), configPath);
  const gramPath = join(dir, 'gram.json');
  let gram: GramMetadata | undefined;
  if (await exists(gramPath)) {
    gram = parseGramMetadata(await readJsonFile(gramPath, MAX_JSON_BYTES), gramPath);
    checkKind(gram, config, gramPath);
  }
  return { config, weights: await loadWeights(dir, config), gram };
}

/**
 * Saves a model as a directory that `loadModel` and transformers load. The directory appears as a whole, see
 * `writeDirectoryAtomic`; an existing one is replaced if it holds nothing but `MODEL_FILES`. Everything is
 * checked before the first byte is written.
 *
 * @throws ModelError `bad-config`, `bad-metadata`, `bad-tokenizer`, `bad-weights`, `not-replaceable`,
 * `write-failed`.
 */
export async function saveModel(dir: string, model: ModelToSave): Promise<void> {
  const { config, weights, tokenizerJson } = model;
  const configJson = configToJson(config);
  parseConfig(configJson, 'config');
  const gram = parseGramMetadata(model.gram, 'gram metadata');
  checkKind(gram, config, 'gram metadata');
  checkShapes(new Map(Object.entries(weights)), new Map(Object.entries(weightShapes(config))), 'weights');
  const json: [string, unknown][] = [
    ['config.json', configJson],
    ['gram.json', gram],
  ];
  if (tokenizerJson !== undefined) {
    json.push(['tokenizer_config.json', tokenizerConfig(tokenizerJson, config)]);
  }
  await writeDirectoryAtomic(dir, MODEL_FILES, async (temporary) => {
    for (const [name, content] of json) {
      await writeFile(join(temporary, name), `${JSON.stringify(content, null, 2)}\n`);
    }
    if (tokenizerJson !== undefined) await writeFile(join(temporary, 'tokenizer.json'), tokenizerJson);
    await writeSafetensors(join(temporary, 'model.safetensors'), weights);
  });
}
