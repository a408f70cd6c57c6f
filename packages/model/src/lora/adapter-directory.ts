import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDirectoryAtomic } from '@gram/base';
import type { ModelConfig } from '../config/model-config.js';
import { type Weights, weightOf } from '../config/weight-shapes.js';
import { checkShapes } from '../files/check-weights.js';
import { readJsonFile } from '../files/json.js';
import { readSafetensors } from '../safetensors/read.js';
import { writeSafetensors } from '../safetensors/write.js';
import { adapterShapes } from './adapter.js';
import { checkLora, type LoraConfig, loraConfigToJson, parseLoraConfig } from './lora-config.js';

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';
const MAX_JSON_BYTES = 1_000_000;
// PEFT names weights as seen from its wrapper around the model.
const PREFIX = 'base_model.model.';

/** The files that `saveAdapter` writes, for `checkReplaceable`. */
export const ADAPTER_FILES: readonly string[] = [CONFIG, WEIGHTS];

/** A low-rank adapter. */
export interface Adapter {
  readonly lora: LoraConfig;
  /** See `adapterShapes`. */
  readonly weights: Weights;
}

/**
 * Loads an adapter in the layout of PEFT: `adapter_config.json` and `adapter_model.safetensors`. A missing, additional or
 * misshapen tensor is an error.
 *
 * @param config of the model that the adapter belongs to
 * @throws {ModelError} `bad-config`, `bad-weights`, and those of `readSafetensors`
 */
export async function loadAdapter(dir: string, config: ModelConfig): Promise<Adapter> {
  const configPath = join(dir, CONFIG);
  const lora = parseLoraConfig(await readJsonFile(configPath, MAX_JSON_BYTES), configPath);
  const path = join(dir, WEIGHTS);
  const { tensors } = await readSafetensors(path);
  const shapes = Object.entries(adapterShapes(config, lora));
  checkShapes(
    new Map(Object.entries(tensors)),
    new Map(shapes.map(([name, shape]) => [PREFIX + name, shape])),
    path,
  );
  return {
    lora,
    weights: Object.fromEntries(shapes.map(([name]) => [name, weightOf(tensors, PREFIX + name)])),
  };
}

/**
 * Saves an adapter as a directory that `loadAdapter` and PEFT load. The directory appears as a whole, see
 * `writeDirectoryAtomic`.
 *
 * @param config of the model that the adapter belongs to
 * @param baseModel where that model is found: a path or the name of a repository
 * @throws {ModelError} `bad-config`, `bad-weights`, `not-replaceable`, `write-failed`
 */
export async function saveAdapter(
  dir: string,
  { lora, weights }: Adapter,
  config: ModelConfig,
  baseModel?: string,
): Promise<void> {
  checkLora(lora);
  checkShapes(
    new Map(Object.entries(weights)),
    new Map(Object.entries(adapterShapes(config, lora))),
    'adapter',
  );
  const json = loraConfigToJson(lora, config, baseModel);
  const named = Object.entries(weights).map(([name, array]) => [PREFIX + name, array] as const);
  await writeDirectoryAtomic(dir, ADAPTER_FILES, async (temporary) => {
    await writeFile(join(temporary, CONFIG), `${JSON.stringify(json, null, 2)}\n`);
    await writeSafetensors(join(temporary, WEIGHTS), Object.fromEntries(named));
  });
}
