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
 * A copy of the default export of a module. TypeScript is compiled on the way, without a check of its types.
 *
 * @throws TrainError `bad-config`
 */
export async function importDefault(path: string): Promise<unknown> {
  const refuse = (problem: string, cause?: unknown) =>
    new TrainError('bad-config', problem, 'export the configuration as the default of the module', { cause });
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new TrainError('bad-config', `cannot read the configuration ${path}`, 'check the path');
  }
  let exported: unknown;
  try {
    exported = await createJiti(import.meta.url, { fsCache: false }).import(resolve(path), { default: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw refuse(`${path} fails: ${reason}`, cause);
  }
  try {
    // What it exports is data; a copy, because overrides are laid into it.
    return structuredClone(exported);
  } catch (cause) {
    throw refuse(`${path} exports something else than plain values`, cause);
  }
}
