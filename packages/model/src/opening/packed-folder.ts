import { mkdir, readdir, realpath, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, sha256 } from '@gram/base';
import { fileIdentity, int8Kernel } from '@gram/engine';
import type { ModelConfig } from '../config/model-config.js';
import { cacheFolder } from '../datasets/fetch-url.js';
import type { WeightPrecision } from '../weight-bytes.js';

/** Changes whenever other numbers would be packed. */
const VERSION = 2;
/** Folders that nobody opened for so long are removed. */
const UNUSED_MS = 30 * 24 * 60 * 60 * 1000;

/** Folder of all packed models. */
function packedRoot(): string {
  return join(cacheFolder(), 'packed');
}

/**
 * Path of the packed form of a model. Its folder is named by a hash of all that the numbers depend on: the files of the weights, each
 * by its device, its inode, its size and its times, the configuration, the precision, and the form of integers of this processor.
 */
export async function packedPath(
  files: readonly string[],
  config: ModelConfig,
  precision: WeightPrecision,
): Promise<string> {
  const kernel = precision === 'int8' ? int8Kernel() : null;
  return join(await folderOf(files, [{ ...config }, precision, kernel]), `${precision}.safetensors`);
}

/** Path of an empty file that says that all values of the files are finite, so that the next process need not read them for that. */
export async function checkedPath(files: readonly string[]): Promise<string> {
  return join(await folderOf(files, ['finite']), 'finite');
}

async function folderOf(files: readonly string[], about: readonly unknown[]): Promise<string> {
  const real = await Promise.all(files.map((file) => realpath(file)));
  const sources = real.sort().map((file) => [file, fileIdentity(file)]);
  return join(packedRoot(), sha256(canonicalJson([VERSION, sources, ...about])));
}

/** Makes the folder of a packed model, and removes those that were not used for 30 days. */
export async function preparePacked(folder: string): Promise<void> {
  const root = packedRoot();
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(root)) {
    const path = join(root, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < UNUSED_MS) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Notes that a packed model is in use. A folder that cannot be written is one that nobody removes from. */
export async function touchPacked(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now).catch(() => undefined);
}
