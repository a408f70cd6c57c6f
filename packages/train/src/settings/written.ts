import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { looksLikePath } from '@gram/model';
import type { z } from 'zod';
import { elementAt } from '../checked.js';
import { TrainError } from '../error.js';
import { type ConfigKeys, describeIssue } from './describe.js';
import { importDefault } from './module.js';
import { parseYaml, YamlProblem } from './yaml.js';

/** A configuration is written by hand; a larger file is something else. */
const maxBytes = 1_000_000;

/** The form of a configuration: the schema of its settings, and the keys of each of its mappings. */
export interface ConfigShape<Config> {
  readonly schema: z.ZodType<Config>;
  readonly keys: ConfigKeys;
}

/**
 * Reads a configuration in YAML as it is written, with overrides laid over it.
 *
 * @param path undefined where the overrides say everything
 * @param overrides `key.path=value` each, laid over the file in order. The value is YAML; an empty value removes the key.
 * @throws TrainError `bad-config`: the file is missing or no YAML, or an override cannot be read
 */
export function readWritten(path: string | undefined, overrides: readonly string[]): unknown {
  const written = path === undefined ? {} : parse(readText(path), path, 'correct the YAML there');
  return withOverrides(written, overrides);
}

/**
 * Reads a configuration as `readWritten`, from YAML or from a module in TypeScript or JavaScript (`.ts`, `.mts`, `.js`, `.mjs`),
 * whose default export it is. A module is a program: load only what you trust.
 *
 * @throws TrainError as `readWritten`, also where the module fails
 */
export async function loadWritten(path: string | undefined, overrides: readonly string[]): Promise<unknown> {
  if (path === undefined || !/\.m?[jt]s$/.test(path)) return readWritten(path, overrides);
  return withOverrides(await importDefault(path), overrides);
}

/**
 * Checks a configuration and fills in its defaults.
 *
 * @param where names the configuration in errors
 * @throws TrainError `bad-config`, which names the key, and the nearest known one for a key that there is not
 */
export function checkWritten<Config>(
  raw: unknown,
  { schema, keys }: ConfigShape<Config>,
  where: string,
): Config {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const { message, hint } = describeIssue(elementAt(result.error.issues, 0), raw, keys);
  throw new TrainError('bad-config', `${where}: ${message}`, hint);
}

/** Makes paths of a configuration absolute. */
export interface PathResolver {
  /** The absolute path of a file or folder; an address stays as it is. */
  path(target: string): string;
  /** The absolute path of a model; the name of a repository stays as it is. */
  model(model: string): string;
}

/**
 * Makes the resolver of a configuration: relative paths start at the directory of its file, or at the current directory without
 * one. The same file means the same run from wherever it is started.
 */
export function pathResolver(file: string | undefined): PathResolver {
  const folder = file === undefined ? '.' : dirname(file);
  // A source that is fetched has an address and no folder.
  const path = (target: string) => (/^(?:hf|https?):\/\//.test(target) ? target : resolve(folder, target));
  return {
    path,
    model(model) {
      const found = path(model);
      return looksLikePath(model) || existsSync(found) ? found : model;
    },
  };
}

function withOverrides(written: unknown, overrides: readonly string[]): unknown {
  for (const override of overrides) applyOverride(written, override);
  return written;
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

/** Whether a value of a configuration is a mapping of keys. */
export function isMapping(value: unknown): value is Record<string, unknown> {
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
