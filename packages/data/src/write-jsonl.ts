import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { DataError } from './error.js';

/**
 * Writes records as JSON, one a line; gzipped when the name ends in `.gz`. The file appears whole or not at all:
 * it is written under a temporary name in the same folder, flushed and renamed.
 *
 * @throws {DataError} `file-unwritable`. An error of the records themselves is passed on; no file is left behind.
 */
export async function writeJsonl(
  path: string,
  records: Iterable<object> | AsyncIterable<object>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const file = await open(temporary, 'wx').catch((cause: Error) => {
    throw unwritable(path, cause);
  });
  let failure: unknown;
  async function* lines() {
    try {
      for await (const record of records) yield `${JSON.stringify(record)}\n`;
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  try {
    const target = file.createWriteStream({ autoClose: false });
    const source = Readable.from(lines());
    await (path.endsWith('.gz') ? pipeline(source, createGzip(), target) : pipeline(source, target));
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error === failure ? error : unwritable(path, error as Error);
  }
}

function unwritable(path: string, cause: Error): DataError {
  return new DataError(
    'file-unwritable',
    `can not write ${path}: ${cause.message}`,
    'Check that the folder exists, that you may write to it and that it has room.',
    { cause },
  );
}
