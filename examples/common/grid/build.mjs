import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const PACKAGES = ['base', 'data', 'model', 'ppo', 'reward', 'tokenize', 'train', 'world'];

/** Identifies the packages and the module that compute a study, by the bytes of their entry files. */
export async function buildOf(module) {
  // A part of a bundle that changed has another name in the entry file.
  const urls = [...PACKAGES.map((name) => import.meta.resolve(`@gram/${name}`)), module];
  const hash = createHash('sha256');
  for (const url of urls) hash.update(await readFile(fileURLToPath(url)));
  return hash.digest('hex').slice(0, 16);
}
