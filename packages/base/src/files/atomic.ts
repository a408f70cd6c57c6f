import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { BaseError } from '../error.js';
import { quote } from '../text/quote.js';
import { processTag, tagState } from './process-identity.js';
import { isMissing, systemCode } from './system-error.js';

const TEMPORARY = '.gram-tmp';
const OLD = '.gram-old';

function writeError(error: unknown, path: string): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  return new BaseError(
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

/** Flushes a directory, so that renames in it last. Windows cannot open a directory and does not need it. */
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

/** Removes what a failure left. The caller must hear of the failure itself, so one of the removal is ignored. */
async function removeQuietly(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

/** A name beside a file that says which process writes it, so that another one can tell when it was killed. */
function temporaryBeside(path: string): string {
  return `${path}.${processTag()}.${randomBytes(6).toString('hex')}${TEMPORARY}`;
}

/** Removes the temporary files of a file whose writers were killed. What cannot be removed harms nobody. */
async function removeAbandoned(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    if (!name.startsWith(prefix) || !name.endsWith(TEMPORARY)) continue;
    const [tag = ''] = name.slice(prefix.length).split('.');
    if (tagState(tag) === 'dead') await removeQuietly(join(dirname(path), name));
  }
}

/**
 * Removes what crashes during atomic writes left in a directory. Use it only where each entry will be written anew: an
 * entry whose replacement was cut off may exist under its temporary name alone.
 */
export async function removeLeftovers(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (name.endsWith(TEMPORARY) || name.endsWith(OLD))
      await rm(join(dir, name), { recursive: true, force: true });
  }
}

/**
 * Puts a file or a link in the place of a path in one step. It is made under a temporary name beside it and renamed, and the
 * folder is flushed; the folder must exist.
 *
 * @param make makes it at the temporary path
 * @throws {BaseError} `write-failed` when the file system refuses; what `make` throws
 */
export async function placeAtomic(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await removeAbandoned(path);
    await make(temporary);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await removeQuietly(temporary);
    throw writeError(error, path);
  }
}

/**
 * Writes a file like `writeFileAtomic`, with a function that writes to the open temporary file.
 *
 * @throws {BaseError} `write-failed` when the file system refuses; what `write` throws
 */
export async function writeStreamAtomic(
  path: string,
  write: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  await placeAtomic(path, async (temporary) => {
    const handle = await open(temporary, 'wx');
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/**
 * Writes a file so that at any moment, also after a crash, its path holds the old content or the new content. It is
 * written under a temporary name beside it, flushed and renamed, and the folder is flushed. The folder must exist. What a
 * process of this machine that was killed left of the same file is removed.
 *
 * @throws {BaseError} `write-failed` when the file system refuses
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await writeStreamAtomic(path, (handle) => handle.writeFile(data));
}

/**
 * Checks that `writeFileAtomic` can write a file, so that what takes long to compute fails at its start: a temporary file is
 * made beside it and removed, and so is what a process that was killed left of the same file.
 *
 * @throws {BaseError} `write-failed`
 */
export async function checkWritable(path: string): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await removeAbandoned(path);
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) {
      throw new BaseError('write-failed', `${path} is a folder`, 'give the name of a file');
    }
    await (await open(temporary, 'wx')).close();
    await rm(temporary);
  } catch (error) {
    throw writeError(error, path);
  }
}

/** Whether something exists at the path; a dangling link does not. */
async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw writeError(error, path);
  }
}

/** The directory that a path means. Links are followed, so that the link itself is not replaced. */
async function targetOf(dir: string): Promise<string> {
  return (await exists(dir)) ? realpath(dir) : resolve(dir);
}

/** A file name, or a pattern that matches one. */
export type FileName = string | RegExp;

function matches(own: FileName, name: string): boolean {
  return typeof own === 'string' ? own === name : own.test(name);
}

/** Returns the path at which `writeDirectoryAtomic` keeps the old directory while it puts the new one in place. */
export async function oldDirectory(dir: string): Promise<string> {
  return (await targetOf(dir)) + OLD;
}

/**
 * Checks that `writeDirectoryAtomic` may replace a directory, so that a long run can fail at its start. Replacing deletes
 * what is there: it is refused for a directory that holds anything but `names`, for a file, and for a directory that is or
 * contains the current one.
 *
 * @throws {BaseError} `not-replaceable`
 */
export async function checkReplaceable(dir: string, names: readonly FileName[]): Promise<void> {
  if (!(await exists(dir))) return;
  const refuse = (problem: string) =>
    new BaseError('not-replaceable', `${dir} ${problem}`, 'choose another folder, or empty this one first');
  const target = await realpath(dir);
  if (!(await stat(target)).isDirectory()) throw refuse('is not a folder');
  const inside = relative(target, process.cwd());
  if (!inside.startsWith('..') && !isAbsolute(inside)) throw refuse('is or contains the current folder');
  const foreign = (await readdir(target)).find((name) => !names.some((own) => matches(own, name)));
  if (foreign !== undefined) throw refuse(`holds ${quote(foreign)}, which writing would delete`);
}

/** Puts the directory `temporary` in the place of `target`. */
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
 * Writes a directory as a whole. `fill` writes to `<dir>.gram-tmp`, which is flushed and renamed to `dir`; missing parent
 * folders are created. When `fill` fails, `dir` is as it was and nothing is left.
 *
 * A directory cannot be replaced in one step, so the old one is first renamed to `<dir>.gram-old`. At any moment `dir` is
 * complete, old or new, or it is missing while `<dir>.gram-old` is complete; after a crash at that point, rename it back.
 * The next write removes what a crash left. Only one process at a time may write a directory.
 *
 * @param names the names that the directory may hold at its top level; a directory that holds anything else is not
 *   replaced, see `checkReplaceable`
 * @throws {BaseError} `not-replaceable`, `write-failed`; what `fill` throws
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
