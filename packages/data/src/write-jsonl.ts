import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { DataError } from './error.js';

/** Characters that are gathered before they are written. */
const BLOCK = 2 ** 16;

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
  async function* blocks() {
    try {
      let block = '';
      for await (const record of records) {
        block += `${JSON.stringify(record)}\n`;
        if (block.length < BLOCK) continue;
        yield block;
        block = '';
      }
      yield block;
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  try {
    const source = Readable.from(blocks());
    const target = async (chunks: AsyncIterable<string | Buffer>) => {
      for await (const chunk of chunks) await file.appendFile(chunk);
    };
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
