import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { ModelError } from '../error.js';
import { quoted } from './json.js';
import { exists, systemCode } from './read.js';

const TEMPORARY = '.gram-tmp';
const OLD = '.gram-old';

function writeError(error: unknown, path: string): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  return new ModelError(
    'write-failed',
    `${path} could not be written (${code})`,
    'check that its folder exists, is writable and has space',
    { cause: error },
  );
}

async function sync(path: string, flags: 'r' | 'r+'): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes renames in a directory last. Windows cannot open a directory and needs none of it. */
async function syncDirectory(dir: string): Promise<void> {
  if (process.platform !== 'win32') await sync(dir, 'r');
}

async function syncTree(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await sync(path, 'r+');
  }
  await syncDirectory(dir);
}

/** Removes what a failure left; the failure itself is what the caller must hear of. */
async function removeQuietly(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

/**
 * Removes what a crash left in a directory of files and directories that were being written. For a directory whose owner
 * writes each of its entries anew: an entry that was being replaced may only be there under its old, temporary name.
 */
export async function removeLeftovers(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (name.endsWith(TEMPORARY) || name.endsWith(OLD))
      await rm(join(dir, name), { recursive: true, force: true });
  }
}

/** As `writeFileAtomic`, with a function that writes to the open temporary file. */
export async function writeStreamAtomic(
  path: string,
  write: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}${TEMPORARY}`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await removeQuietly(temporary);
    throw writeError(error, path);
  }
}

/**
 * Writes a file so that at any moment, also after a crash, its path holds the old content or the new content:
 * temporary name beside it, flush, rename, flush of the folder. The folder must exist.
 *
 * @throws ModelError `write-failed`.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await writeStreamAtomic(path, (handle) => handle.writeFile(data));
}

/** The directory that a path means; links are followed, so that the link is not what gets replaced. */
async function targetOf(dir: string): Promise<string> {
  return (await exists(dir)) ? realpath(dir) : resolve(dir);
}

/** A name, or a pattern of the whole of it. */
export type FileName = string | RegExp;

function matches(own: FileName, name: string): boolean {
  return typeof own === 'string' ? own === name : own.test(name);
}

/** Where `writeDirectoryAtomic` keeps the old directory while it puts the new one in place. */
export async function oldDirectory(dir: string): Promise<string> {
  return (await targetOf(dir)) + OLD;
}

/**
 * Checks that `writeDirectoryAtomic` may replace a directory, so that a long run can fail at its start.
 * Replacing deletes what is there, so it is refused for anything but a directory that holds only `names`,
 * and for the current directory.
 *
 * @throws ModelError `not-replaceable`.
 */
export async function checkReplaceable(dir: string, names: readonly FileName[]): Promise<void> {
  if (!(await exists(dir))) return;
  const refuse = (problem: string) =>
    new ModelError('not-replaceable', `${dir} ${problem}`, 'choose another folder, or empty this one first');
  const target = await realpath(dir);
  if (!(await stat(target)).isDirectory()) throw refuse('is not a folder');
  const inside = relative(target, process.cwd());
  if (!inside.startsWith('..') && !isAbsolute(inside)) throw refuse('is or contains the current folder');
  const foreign = (await readdir(target)).find((name) => !names.some((own) => matches(own, name)));
  if (foreign !== undefined) throw refuse(`holds ${quoted(foreign)}, which writing would delete`);
}

/** Puts `temporary` in the place of `target`. */
async function swap(temporary: string, target: string): Promise<void> {
  const old = target + OLD;
  if (await exists(target)) {
    // The target is complete, so this is what a crash left before its removal was done.
    await rm(old, { recursive: true, force: true });
    await rename(target, old);
    try {
      await rename(temporary, target);
    } catch (error) {
      await rename(old, target).catch(() => undefined);
      throw error;
    }
  } else {
    await rename(temporary, target);
  }
  // The new directory must last before the old one goes.
  await syncDirectory(dirname(target));
  await rm(old, { recursive: true, force: true });
}

/**
 * Writes a directory as a whole. `fill` writes to `<dir>.gram-tmp`, which is flushed and renamed to `dir`;
 * missing parent folders are made. When `fill` fails, `dir` is as it was and nothing is left.
 *
 * A directory cannot be replaced in one step, so the old one is first renamed to `<dir>.gram-old`. At any moment
 * `dir` is complete, old or new, or is missing while `<dir>.gram-old` is complete: after a crash there, rename it
 * back. The next write removes what a crash left. One process at a time may write a directory.
 *
 * @param names what the directory may hold at its top level. A directory that holds anything else is not
 * replaced, see `checkReplaceable`.
 * @throws ModelError `not-replaceable`, `write-failed`; what `fill` throws.
 */
export async function writeDirectoryAtomic(
  dir: string,
  names: readonly FileName[],
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  await checkReplaceable(dir, names);
  const target = await targetOf(dir);
  const temporary = join(dirname(target), basename(target) + TEMPORARY);
  try {
    await mkdir(dirname(target), { recursive: true });
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary);
    await fill(temporary);
    await syncTree(temporary);
    await swap(temporary, target);
  } catch (error) {
    await removeQuietly(temporary);
    throw writeError(error, dir);
  }
}
