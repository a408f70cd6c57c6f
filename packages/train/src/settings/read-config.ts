import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { quote } from '@gram/base';
import { looksLikePath } from '@gram/model';
import { judgePrompts } from '@gram/tokenize';
import { closest } from 'fastest-levenshtein';
import { elementAt } from '../checked.js';
import { TrainError } from '../error.js';
import { stageNames, type TrainingStage } from '../stages/table.js';
import { describeIssue } from './describe.js';
import { importDefault } from './module.js';
import { presets, withPreset } from './presets.js';
import { type TrainingConfig, trainingSchema } from './schema.js';
import { formatYaml, parseYaml, YamlProblem } from './yaml.js';

/** A configuration is written by hand; a larger file is something else. */
const maxBytes = 1_000_000;

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
 * Relative paths of `data.path`, `validation.path`, `init.model`, `init.judgePrompt` and `output`, whether written in the file or given as an override, start
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
  const written = path === undefined ? {} : parse(readText(path), path, 'correct the YAML there');
  return checked(written, path, overrides, options);
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
  if (path === undefined || !/\.m?[jt]s$/.test(path)) return readTrainingConfig(path, overrides, options);
  return checked(await importDefault(path), path, overrides, options);
}

function checked(
  written: unknown,
  path: string | undefined,
  overrides: readonly string[],
  options: ReadConfigOptions,
): TrainingConfig {
  for (const override of overrides) applyOverride(written, override);
  const where = path ?? 'the configuration';
  const raw = overPreset(written, options, where);
  const result = trainingSchema.safeParse(raw);
  if (!result.success) {
    const { message, hint } = describeIssue(elementAt(result.error.issues, 0), raw);
    throw new TrainError('bad-config', `${where}: ${message}`, hint);
  }
  const config = result.data;
  const folder = path === undefined ? '.' : dirname(path);
  // What is fetched has an address and no folder.
  const from = (target: string) => (/^(?:hf|https?):\/\//.test(target) ? target : resolve(folder, target));
  return {
    ...config,
    data: { ...config.data, path: from(config.data.path) },
    ...(config.validation && {
      validation: { ...config.validation, path: from(config.validation.path) },
    }),
    init: {
      ...config.init,
      model: config.init.model && modelFrom(config.init.model, from),
      ...(config.init.judgePrompt && { judgePrompt: promptFrom(config.init.judgePrompt, where, from) }),
    },
    output: from(config.output),
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

/** The absolute path of a model; the name of a repository stays as it is. */
function modelFrom(model: string, from: (target: string) => string): string {
  const path = from(model);
  return looksLikePath(model) || existsSync(path) ? path : model;
}

/** The id of a judging prompt, or the absolute path of the file that has one. */
function promptFrom(prompt: string, where: string, from: (target: string) => string): string {
  const ids = judgePrompts.map(({ id }) => id);
  if (ids.includes(prompt)) return prompt;
  const path = from(prompt);
  if (existsSync(path)) return path;
  throw new TrainError(
    'bad-config',
    `${where}: init.judgePrompt is neither ${ids.join(' nor ')} nor a file: ${quote(prompt)}`,
    `check the path of the file; of the known ones ${closest(prompt, ids)} is nearest`,
  );
}

function readText(path: string): string {
  let size: number;
  try {
    const found = statSync(path);
    // A device has no end, and a pipe may have no writer.
    if (!found.isFile()) {
      throw new TrainError('bad-config', `the configuration ${path} is not a regular file`, 'give a file');
    }
    size = found.size;
    if (size <= maxBytes) return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof TrainError) throw cause;
    throw new TrainError('bad-config', `cannot read the configuration ${path}`, 'check the path', { cause });
  }
  throw new TrainError(
    'bad-config',
    `the configuration ${path} has ${size} bytes, more than the limit of ${maxBytes}`,
    'check that it is the right file',
  );
}

function parse(text: string, where: string, hint: string): unknown {
  try {
    return parseYaml(text);
  } catch (cause) {
    if (!(cause instanceof YamlProblem)) throw cause;
    throw new TrainError('bad-config', `${where}: ${cause.message}`, hint, { cause });
  }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Sets one value in place. What the key means is for the schema to say. */
function applyOverride(raw: unknown, override: string): void {
  const [, name, text] = /^([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)=(.*)$/s.exec(override) ?? [];
  if (name === undefined || text === undefined) {
    throw new TrainError(
      'bad-config',
      `cannot read the override ${JSON.stringify(override)}`,
      'write it as key=value, for example optimizer.learningRate=0.001',
    );
  }
  const value = parse(
    text,
    `override ${JSON.stringify(override)}`,
    'give a YAML value, in quotes where it is text',
  );
  const keys = name.split('.');
  const last = keys.pop() ?? name;
  let target = raw;
  for (const key of keys) {
    if (!isMapping(target)) return;
    if (!Object.hasOwn(target, key)) target[key] = {};
    target = target[key];
  }
  // Anything but a mapping here is an error of the file, which the schema reports.
  if (!isMapping(target)) return;
  if (value === null) delete target[last];
  else target[last] = value;
}
