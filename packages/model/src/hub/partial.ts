import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { processTag, systemCode, tagState } from '@gram/base';
import { ModelError } from '../error.js';

/** Ends the name of a file that is not whole. */
export const TEMPORARY = '.gram-tmp';

/**
 * Whether nobody writes a temporary file any more. A name tells who writes: `BLOB.TAG.ID.gram-tmp`. What a writer leaves on
 * purpose is `BLOB.part.gram-tmp`. A process of another machine may live, so its files stay with it.
 */
function isAbandoned(name: string, target: string): boolean {
  const middle = name.slice(target.length, -TEMPORARY.length);
  if (middle === '.part') return true;
  const [, tag = ''] = middle.split('.');
  return tagState(tag) === 'dead';
}

/** Takes over the longest part that an earlier download left; a rename is won by one process only. */
async function adopt(path: string, own: string): Promise<void> {
  const [dir, target] = [dirname(path), basename(path)];
  const names = (await readdir(dir).catch(() => [])).filter(
    (name) => name.startsWith(`${target}.`) && name.endsWith(TEMPORARY) && isAbandoned(name, target),
  );
  const parts = await Promise.all(
    names.map(async (name) => {
      const found = await stat(join(dir, name)).catch(() => undefined);
      return { part: join(dir, name), size: found?.isFile() ? found.size : 0 };
    }),
  );
  for (const { part, size } of parts.sort((a, b) => b.size - a.size)) {
    if (size === 0) continue;
    const won = await rename(part, own).then(
      () => true,
      () => false,
    );
    if (won) return;
  }
}

function writeError(error: unknown, path: string): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  return new ModelError(
    'write-failed',
    `${path} could not be written (${code})`,
    'check that the cache is writable and has space, or set HF_HUB_CACHE to another folder',
    { cause: error },
  );
}

/**
 * Writes a file that appears when it is whole, and goes on with what an earlier call left of it: one that was interrupted,
 * or one whose process was killed.
 *
 * @param write gets the open file and the number of bytes that are in it already
 * @param isInterrupted whether an error leaves a part that is worth keeping
 */
export async function writePartially(
  path: string,
  write: (handle: FileHandle, had: number) => Promise<void>,
  isInterrupted: (error: unknown) => boolean,
): Promise<void> {
  const own = `${path}.${processTag()}.${randomUUID()}${TEMPORARY}`;
  try {
    await adopt(path, own);
    const handle = await open(own, 'a+').then(async (made) => {
      await made.close();
      return open(own, 'r+');
    });
    try {
      await write(handle, (await handle.stat()).size);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(own, path);
  } catch (error) {
    // What could not be moved is removed; the caller hears of the failure itself.
    const move = isInterrupted(error) ? rename(own, `${path}.part${TEMPORARY}`) : rm(own, { force: true });
    await move.catch(() => rm(own, { force: true })).catch(() => undefined);
    throw writeError(error, path);
  }
}
