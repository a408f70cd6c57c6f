import { copyFile, mkdir, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { BaseError, placeAtomic, systemCode, writeFileAtomic } from '@gram/base';
import { ModelError } from '../error.js';
import type { HubFile } from './listing.js';
import { TEMPORARY } from './partial.js';

// The layout of the Python library, in the folder of one repository:
//   blobs/<hash>                  the content of a file
//   snapshots/<commit>/<name>     a link to its blob
//   refs/<revision>               the commit that a branch or tag meant when it was last fetched

// Parts of downloads that nobody went on with for so long are not waited for.
const STALE_MS = 7 * 24 * 60 * 60 * 1000;
const commitPattern = /^[0-9a-f]{40}$/;

/** Runs a change of the cache; what the system refuses becomes `write-failed`. */
async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = systemCode(error instanceof BaseError ? error.cause : error);
    if (code === undefined) throw error;
    throw new ModelError(
      'write-failed',
      `${path} could not be written (${code})`,
      'check that the cache is writable and has space, or set HF_HUB_CACHE to another folder',
      { cause: error },
    );
  }
}

/** Returns the directory of a model in the folder of its repository. */
export function snapshotFolder(root: string, commit: string): string {
  return join(root, 'snapshots', commit);
}

/** Returns the path of the content of a file. */
export function blobPath(root: string, file: HubFile): string {
  return join(root, 'blobs', file.blob);
}

/** Tells whether a path is a file of this size; links are followed. */
export async function holds(path: string, size: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && found.size === size;
}

/** Makes the folders for a snapshot, and removes parts of downloads that are a week old. */
export async function prepare(root: string, commit: string): Promise<void> {
  const blobs = join(root, 'blobs');
  await writing(root, async () => {
    await mkdir(blobs, { recursive: true });
    await mkdir(snapshotFolder(root, commit), { recursive: true });
  });
  for (const name of await readdir(blobs).catch(() => [])) {
    if (!name.endsWith(TEMPORARY)) continue;
    const path = join(blobs, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > STALE_MS)
      await rm(path, { force: true }).catch(() => undefined);
  }
}

/** Puts a complete blob into a snapshot: as a link, or as a copy where links are not allowed, as on Windows. */
export async function linkBlob(root: string, commit: string, file: HubFile): Promise<void> {
  const path = join(snapshotFolder(root, commit), file.name);
  const blob = blobPath(root, file);
  await writing(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    await placeAtomic(path, (temporary) =>
      symlink(relative(dirname(path), blob), temporary).catch(() => copyFile(blob, temporary)),
    );
  });
}

/** Notes which commit a branch or tag means, for when the hub cannot be asked. */
export async function writeRef(root: string, revision: string, commit: string): Promise<void> {
  if (revision === commit) return;
  const path = join(root, 'refs', revision);
  await writing(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, commit);
  });
}

/** Returns the commit that a revision meant when it was last fetched, undefined if it never was. */
export async function readRef(root: string, revision: string): Promise<string | undefined> {
  if (commitPattern.test(revision)) return revision;
  const path = join(root, 'refs', revision);
  // A reference is one hash; anything else is not read.
  const size = await stat(path).then(
    (found) => (found.isFile() ? found.size : 0),
    () => 0,
  );
  if (size < 40 || size > 42) return undefined;
  const commit = (await readFile(path, 'utf8').catch(() => '')).trim();
  return commitPattern.test(commit) ? commit : undefined;
}
