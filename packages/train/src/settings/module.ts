import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { createJiti } from 'jiti';
import { TrainError } from '../error.js';
import type { TrainingInput } from './schema.js';

/**
 * Gives a configuration that is written in TypeScript its type. It is returned as it is.
 *
 * @example
 * ```ts
 * export default defineTraining({ preset: 'laptop', stage: 'sft', output: 'runs/policy' });
 * ```
 */
export function defineTraining(config: TrainingInput): TrainingInput {
  return config;
}

/**
 * The default export of a module in JavaScript or TypeScript, which is compiled on the way, without a check of its types.
 *
 * @param what names what is exported, in errors
 * @throws TrainError `bad-config`
 */
export async function importModule(path: string, what: string): Promise<unknown> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new TrainError('bad-config', `cannot read the ${what} ${path}`, 'check the path');
  }
  try {
    return await createJiti(import.meta.url, { fsCache: false }).import(resolve(path), { default: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new TrainError(
      'bad-config',
      `${path} fails: ${reason}`,
      `export the ${what} as the default of the module`,
      {
        cause,
      },
    );
  }
}

/**
 * A copy of the default export of a module that holds a configuration.
 *
 * @throws TrainError `bad-config`
 */
export async function importDefault(path: string): Promise<unknown> {
  const exported = await importModule(path, 'configuration');
  try {
    // What it exports is data; a copy, because overrides are laid into it.
    return structuredClone(exported);
  } catch (cause) {
    throw new TrainError(
      'bad-config',
      `${path} exports something else than plain values`,
      'export the configuration as the default of the module',
      { cause },
    );
  }
}
