import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const PACKAGES = ['base', 'data', 'model', 'ppo', 'reward', 'tokenize', 'train', 'world'];

/** Identifies what computes a study, by the bytes of the packages' entry files and of the modules beside and below the given one. */
export async function buildOf(module) {
  // A part of a bundle that changed has another name in the entry file.
  const entries = PACKAGES.map((name) => fileURLToPath(import.meta.resolve(`@gram/${name}`)));
  const folder = fileURLToPath(new URL('.', module));
  const beside = (await readdir(folder, { recursive: true }))
    .filter((name) => /(?<!\.test)\.mjs$/.test(name) && !/node_modules|__fixtures__/.test(name))
    .sort();
  const hash = createHash('sha256');
  for (const path of [...entries, ...beside.map((name) => `${folder}${name}`)])
    hash.update(await readFile(path));
  return hash.digest('hex').slice(0, 16);
}
