import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { systemCode, writeStreamAtomic } from '@gram/base';
import { DataError } from '../error.js';

/** Characters that are gathered before they are written. */
const BLOCK = 2 ** 16;

/**
 * Writes records as JSON, one per line; gzipped when the name ends in `.gz`. The file appears whole or not at all: it is
 * written under a temporary name in the same folder, flushed and renamed.
 *
 * @throws {DataError} `file-unwritable` when the file system refuses. An error of the records themselves is passed on; no
 *   file is left behind.
 *
 * @example
 * ```ts
 * await writeJsonl('pairs.jsonl.gz', [{ prompt: 'Add 2 and 2.', chosen: '4', rejected: '5' }]);
 * ```
 */
export async function writeJsonl(
  path: string,
  records: Iterable<object> | AsyncIterable<object>,
): Promise<void> {
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
    await writeStreamAtomic(path, async (file) => {
      const source = Readable.from(blocks());
      const target = async (chunks: AsyncIterable<string | Buffer>) => {
        for await (const chunk of chunks) await file.appendFile(chunk);
      };
      await (path.endsWith('.gz') ? pipeline(source, createGzip(), target) : pipeline(source, target));
    });
  } catch (error) {
    if (error === failure || !(error instanceof Error)) throw error;
    const code = systemCode(error.cause) ?? error.message;
    throw new DataError(
      'file-unwritable',
      `cannot write ${path} (${code})`,
      'check that the folder exists, that you may write to it and that it has space',
      { cause: error },
    );
  }
}
