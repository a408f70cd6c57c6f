import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, sha256OfFile, sha256OfParts } from '@gram/base';
import type { BenchmarkFingerprint } from '@gram/ranking';
import type { LoadOptions } from './load.js';

/** Files of a model directory that decide what it answers. */
const DECIDING = /\.(json|safetensors|gguf|jinja)$/;

/**
 * Describes everything that the answers of a reward model depend on: its files, and how it is asked and stored.
 *
 * @param source directory or GGUF file of the model
 */
export async function judgeFingerprint(
  source: string,
  options: Pick<
    LoadOptions,
    'judgePrompt' | 'precision' | 'products' | 'orders' | 'positionBiasBound' | 'overlong' | 'signal'
  >,
): Promise<BenchmarkFingerprint> {
  const {
    judgePrompt,
    precision = 'float32',
    products = 'float32',
    orders = 2,
    positionBiasBound,
    overlong = 'error',
  } = options;
  const files: string[] = [];
  for (const path of await decidingFiles(source)) {
    files.push(`${path.slice(source.length)} ${await sha256OfFile(path, options.signal)}\n`);
  }
  return {
    model: sha256OfParts(files),
    'judge prompt': judgePrompt === undefined ? 'as the model says' : sha256(JSON.stringify(judgePrompt)),
    precision,
    // Results of before there was a choice stay valid.
    ...(products !== 'float32' && { products }),
    orders: positionBiasBound === undefined ? orders : `2 where they may differ by ${positionBiasBound}`,
    'long text': overlong,
  };
}

async function decidingFiles(source: string): Promise<string[]> {
  if (!(await stat(source)).isDirectory()) return [source];
  const names = await readdir(source);
  return names
    .filter((name) => DECIDING.test(name))
    .map((name) => join(source, name))
    .sort();
}
