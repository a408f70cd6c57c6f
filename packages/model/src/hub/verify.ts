import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { exists } from '../files/read.js';
import type { HubFile } from './listing.js';

/** Files that were found intact in this process, by path, size and time of change. */
const intact = new Set<string>();

/** Starts the hash that makes the name of a blob. */
export function startHash(kind: 'sha256' | 'git', size: number): Hash {
  if (kind === 'sha256') return createHash('sha256');
  // https://git-scm.com/book/en/v2/Git-Internals-Git-Objects: a header goes before the content.
  return createHash('sha1').update(`blob ${size}\0`);
}

async function keyOf(path: string): Promise<string> {
  const real = await realpath(path);
  const { size, mtimeMs } = await stat(real);
  return `${real} ${size} ${mtimeMs}`;
}

/** Remembers that a file has just arrived and was checked on the way. */
export async function markIntact(path: string): Promise<void> {
  intact.add(await keyOf(path));
}

/** Whether a file has the hash that the hub lists, computed when it is first used in a process. */
export async function isIntact(
  path: string,
  { hash, blob, size }: HubFile,
  signal?: AbortSignal,
): Promise<boolean> {
  if (hash === undefined) return true;
  return check(path, async () => (await digest(path, hash, size, signal)) === blob);
}

/** Whether a file of a snapshot is the blob that its link names or, as a copy, one of the blobs. */
export async function isOwnBlob(path: string, signal?: AbortSignal): Promise<boolean> {
  return check(path, async () => {
    const { size } = await stat(path);
    const name = await readlink(path).then(basename, () => undefined);
    if (name !== undefined) {
      const kind = kindOf(name);
      return kind === undefined || (await digest(path, kind, size, signal)) === name;
    }
    const blobs = join(dirname(path), '..', '..', 'blobs');
    for (const kind of ['git', 'sha256'] as const) {
      if (await exists(join(blobs, await digest(path, kind, size, signal)))) return true;
    }
    return false;
  });
}

/** Hash that names a blob; undefined where the hub made it in another way. */
function kindOf(blob: string): 'sha256' | 'git' | undefined {
  if (/^[0-9a-f]{64}$/.test(blob)) return 'sha256';
  return /^[0-9a-f]{40}$/.test(blob) ? 'git' : undefined;
}

async function check(path: string, compute: () => Promise<boolean>): Promise<boolean> {
  const key = await keyOf(path);
  if (intact.has(key)) return true;
  if (!(await compute())) return false;
  intact.add(key);
  return true;
}

async function digest(
  path: string,
  kind: 'sha256' | 'git',
  size: number,
  signal?: AbortSignal,
): Promise<string> {
  const hash = startHash(kind, size);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest('hex');
}
