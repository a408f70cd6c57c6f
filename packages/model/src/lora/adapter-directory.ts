import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quote, writeDirectoryAtomic } from '@gram/base';
import { allFinite, type NDArray } from '@gram/engine';
import { kindOf, type ModelConfig, withHead } from '../config/model-config.js';
import { type Weights, weightOf } from '../config/weight-shapes.js';
import { COMPANION_FILES, type Companions, readCompanions } from '../directory/companions.js';
import type { GramMetadata } from '../directory/gram-metadata.js';
import { ModelError } from '../error.js';
import { checkShapes } from '../files/check-weights.js';
import { readJsonFile } from '../files/json.js';
import { exists } from '../files/read.js';
import { readSafetensors } from '../safetensors/read.js';
import { writeSafetensors } from '../safetensors/write.js';
import { type Adapter, adapterShapes } from './adapter.js';
import { adapterNotesText, NOTES_FILE, parseAdapterNotes } from './adapter-notes.js';
import { checkLora, loraConfigToJson, parseLoraConfig } from './lora-config.js';

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';
const MAX_JSON_BYTES = 1_000_000;
// PEFT names weights as seen from its wrapper around the model.
const PREFIX = 'base_model.model.';

/** The files that `saveAdapter` writes, for `checkReplaceable`. */
export const ADAPTER_FILES: readonly string[] = [
  CONFIG,
  WEIGHTS,
  NOTES_FILE,
  ...Object.values(COMPANION_FILES),
];

/** An adapter that was loaded, and what it makes of its base. */
export interface LoadedAdapter extends Adapter {
  /** Configuration of the model that it makes of its base. The head is another one where the adapter brings it. */
  readonly config: ModelConfig;
  /** Where the base was found, as `adapter_config.json` says. */
  readonly baseModel: string | undefined;
  /** Hash of the decoder under it, see `decoderHash`; undefined for adapters of others. */
  readonly base: string | undefined;
  /** The `gram.json` of the model that it makes; undefined for adapters of others. */
  readonly gram: GramMetadata | undefined;
  /** The tokenizer and the chat template beside it, if there are. */
  readonly files: Companions;
}

/**
 * Loads an adapter in the layout of PEFT: `adapter_config.json` and `adapter_model.safetensors`. A missing, additional or
 * misshapen tensor is an error, and so is a value that is not finite. A score head that is saved with it (`modules_to_save`)
 * takes the place of the head of the base.
 *
 * @param config of the base
 * @throws {ModelError} `bad-adapter` where names or shapes do not fit the base; `bad-config`, `bad-metadata`, `bad-weights`, and
 *   those of `readSafetensors`
 */
export async function loadAdapter(dir: string, config: ModelConfig): Promise<LoadedAdapter> {
  const configPath = join(dir, CONFIG);
  const { lora, baseModel } = parseLoraConfig(await readJsonFile(configPath, MAX_JSON_BYTES), configPath);
  const notesPath = join(dir, NOTES_FILE);
  const notes = (await exists(notesPath))
    ? parseAdapterNotes(await readJsonFile(notesPath, MAX_JSON_BYTES), notesPath)
    : undefined;
  const path = join(dir, WEIGHTS);
  const found = withoutWrappers((await readSafetensors(path)).tensors);
  const made = notes === undefined ? headOfTensors(config, found) : headOfNotes(config, notes.head);
  const shapes = Object.entries(adapterShapes(made, lora));
  checkFit(found, new Map(shapes), { path, baseModel });
  const weights = Object.fromEntries(shapes.map(([name]) => [name, weightOf(found, name)]));
  for (const [name, { data }] of Object.entries(weights)) {
    if (!allFinite(data)) throw notFinite(name, path);
  }
  return {
    lora,
    weights,
    config: made,
    baseModel,
    base: notes?.base,
    gram: notes?.model,
    files: await readCompanions(dir),
  };
}

/**
 * Returns the tensors under the names of the model. PEFT puts a prefix before all, older versions of it also the names of its wrappers around a head
 * and of the adapter, and some save the head before training a second time.
 */
function withoutWrappers(tensors: Weights): Weights {
  const own: Record<string, NDArray<'float32'>> = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name.includes('.original_module.')) continue;
    const plain = name
      .replace(PREFIX, '')
      .replace(/\.modules_to_save(\.default)?\./, '.')
      .replace(/\.(lora_[AB])\.default\./, '.$1.');
    own[plain] = tensor;
  }
  return own;
}

/** Returns the base with a linear score head where an adapter of others brings one. */
function headOfTensors(config: ModelConfig, tensors: Weights): ModelConfig {
  const isScored = tensors['score.weight'] !== undefined && kindOf(config).head !== 'score';
  return isScored ? withHead(config, 'score') : config;
}

function headOfNotes(
  config: ModelConfig,
  { kind, scoreHead, keepsLanguageHead }: ReturnType<typeof parseAdapterNotes>['head'],
): ModelConfig {
  const { scoreHead: _, keepsLanguageHead: __, ...decoder } = withHead(config, kind);
  return { ...decoder, ...(scoreHead && { scoreHead }), ...(keepsLanguageHead && { keepsLanguageHead }) };
}

function checkFit(
  found: Weights,
  expected: ReadonlyMap<string, readonly number[]>,
  { path, baseModel }: { readonly path: string; readonly baseModel: string | undefined },
): void {
  try {
    checkShapes(new Map(Object.entries(found)), expected, path);
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    const named = baseModel === undefined ? '' : `, which it calls ${quote(baseModel)}`;
    throw new ModelError('bad-adapter', cause.message, `use the base of the adapter${named}`, { cause });
  }
}

function notFinite(name: string, path: string): ModelError {
  return new ModelError(
    'bad-weights',
    `${path}: tensor ${quote(name)} holds a value that is not finite`,
    'get the adapter again, or go back to a checkpoint before training diverged',
  );
}

/** Facts about an adapter that are saved with it. */
export interface SaveAdapterOptions {
  /** Where the base is found: a path or the name of a repository. */
  readonly baseModel?: string;
  /** Hash of the decoder under it, see `decoderHash`: with it, the adapter is merged into that base and no other. */
  readonly base?: string;
  /** The `gram.json` of the model that it makes of its base. */
  readonly gram?: GramMetadata | undefined;
  /** The tokenizer and the chat template of that model. */
  readonly files?: Companions;
}

/**
 * Saves an adapter as a directory that `loadAdapter` and PEFT load. The directory appears as a whole, see
 * `writeDirectoryAtomic`.
 *
 * @param config of the model that it makes of its base
 * @throws {ModelError} `bad-config`, `bad-weights`; {BaseError} `not-replaceable`, `write-failed`
 */
export async function saveAdapter(
  dir: string,
  { lora, weights }: Adapter,
  config: ModelConfig,
  { baseModel, base, gram, files = {} }: SaveAdapterOptions = {},
): Promise<void> {
  checkLora(lora);
  checkShapes(
    new Map(Object.entries(weights)),
    new Map(Object.entries(adapterShapes(config, lora))),
    'adapter',
  );
  const texts = new Map([
    [CONFIG, `${JSON.stringify(loraConfigToJson(lora, config, baseModel), null, 2)}\n`],
  ]);
  if (base !== undefined) {
    const { scoreHead, keepsLanguageHead } = config;
    const head = { kind: kindOf(config).head, scoreHead, keepsLanguageHead };
    texts.set(NOTES_FILE, adapterNotesText({ base, head, model: gram }));
  }
  for (const [key, name] of Object.entries(COMPANION_FILES)) {
    const text = files[key as keyof Companions];
    if (text !== undefined) texts.set(name, text);
  }
  const named = Object.entries(weights).map(([name, array]) => [PREFIX + name, array] as const);
  await writeDirectoryAtomic(dir, ADAPTER_FILES, async (temporary) => {
    for (const [name, text] of texts) await writeFile(join(temporary, name), text);
    await writeSafetensors(join(temporary, WEIGHTS), Object.fromEntries(named));
  });
}
