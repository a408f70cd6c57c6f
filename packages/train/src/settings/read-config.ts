import { existsSync } from 'node:fs';
import { quote } from '@gram/base';
import { judgePrompts } from '@gram/tokenize';
import { closest } from 'fastest-levenshtein';
import { TrainError } from '../error.js';
import { withPaths } from '../stages/step-settings.js';
import { stageNames, type TrainingStage } from '../stages/table.js';
import { presets, withPreset } from './presets.js';
import { configKeys, type TrainingConfig, trainingSchema } from './schema.js';
import {
  checkWritten,
  isMapping,
  loadWritten,
  type PathResolver,
  pathResolver,
  readWritten,
} from './written.js';
import { formatYaml } from './yaml.js';

/** Options of reading a configuration. */
export interface ReadConfigOptions {
  /** Name of the preset that the configuration is laid over; a `preset` in the file goes before it. @default none */
  readonly preset?: string;
  /** The stage where the configuration names none. @default an error */
  readonly stage?: TrainingStage;
}

/**
 * Reads and checks a training configuration in YAML, and fills in the defaults. A `preset` in it names values that it is laid
 * over, see `presets`.
 *
 * Relative paths of `data.path`, `validation.path`, of their steps, `init.model`, `init.judgePrompt` and `output`, whether written in the file or given as an override, start
 * at the directory of the file: the same file and overrides mean the same run from wherever it is started. An
 * `init.model` of the form `owner/name` that is no such path is a repository of the hub.
 *
 * @param path undefined where preset and overrides say everything; relative paths then start at the current directory
 * @param overrides `key.path=value` each, laid over the file in order. The value is YAML, so `optimizer.epochs=3` is a
 *   number; an empty value removes the key.
 * @throws TrainError `bad-config`: the file is missing or no YAML, a key is unknown (the nearest known one is named), a
 *   value is missing, of the wrong type or out of range.
 */
export function readTrainingConfig(
  path: string | undefined,
  overrides: readonly string[] = [],
  options: ReadConfigOptions = {},
): TrainingConfig {
  return checked(readWritten(path, overrides), path, options);
}

/**
 * Reads a configuration as `readTrainingConfig`, from YAML or from a module in TypeScript or JavaScript (`.ts`, `.mts`, `.js`,
 * `.mjs`), whose default export it is, see `defineTraining`. A module is a program: load only what you trust.
 *
 * @throws TrainError as `readTrainingConfig`, also where the module fails
 */
export async function loadTrainingConfig(
  path: string | undefined,
  overrides: readonly string[] = [],
  options: ReadConfigOptions = {},
): Promise<TrainingConfig> {
  return checked(await loadWritten(path, overrides), path, options);
}

function checked(written: unknown, path: string | undefined, options: ReadConfigOptions): TrainingConfig {
  const where = path ?? 'the configuration';
  const raw = overPreset(written, options, where);
  const config = checkWritten(raw, { schema: trainingSchema, keys: configKeys }, where);
  const { data, validation, init, output } = config;
  const from = pathResolver(path);
  return {
    ...config,
    data: withPaths(data, from.path),
    ...(validation && { validation: withPaths(validation, from.path) }),
    init: {
      ...init,
      model: init.model && from.model(init.model),
      ...(init.judgePrompt && { judgePrompt: promptFrom(init.judgePrompt, where, from) }),
    },
    output: from.path(output),
  };
}

/** The configuration with its stage and preset resolved. */
function overPreset(
  written: unknown,
  { stage: usual, preset: given }: ReadConfigOptions,
  where: string,
): unknown {
  if (!isMapping(written)) return written;
  const { preset: own, ...rest } = written;
  const raw: Record<string, unknown> = { ...(usual !== undefined && { stage: usual }), ...rest };
  const name = own ?? given;
  if (name === undefined) return raw;
  const names = Object.keys(presets);
  const preset = typeof name === 'string' && Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset === undefined) {
    throw new TrainError(
      'bad-config',
      `${where}: there is no preset ${JSON.stringify(name)}`,
      `did you mean ${closest(String(name), names)}? There are ${names.join(', ')}`,
    );
  }
  const { stage } = raw;
  // A stage that is missing or unknown is reported by the schema.
  const known = stageNames.find((candidate) => candidate === stage);
  return known === undefined ? raw : withPreset(preset, known, raw);
}

/** Writes a configuration as the YAML that reads back the same. */
export function formatTrainingConfig(config: TrainingConfig): string {
  return formatYaml(config);
}

/** The id of a judging prompt, or the absolute path of the file that has one. */
function promptFrom(prompt: string, where: string, from: PathResolver): string {
  const ids = judgePrompts.map(({ id }) => id);
  if (ids.includes(prompt)) return prompt;
  const path = from.path(prompt);
  if (existsSync(path)) return path;
  throw new TrainError(
    'bad-config',
    `${where}: init.judgePrompt is neither ${ids.join(' nor ')} nor a file: ${quote(prompt)}`,
    `check the path of the file; of the known ones ${closest(prompt, ids)} is nearest`,
  );
}
