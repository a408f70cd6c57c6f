import { createReadStream, type ReadStream } from 'node:fs';
import type { Duplex } from 'node:stream';
import * as zlib from 'node:zlib';
import { DataError } from '../error.js';

/** Bytes that compressed data may always give. */
const PLAIN_LIMIT = 256 * 2 ** 20;
/** Bytes that more data may give for each byte of the file. Records of text give 3 to 20, very repetitive ones 100. */
const LARGEST_RATIO = 250;

/**
 * Reads the bytes of a file, decompressed where its name ends in `.gz` or `.zst`.
 *
 * @throws {DataError} `file-missing`, `file-unreadable`, also for damaged data and where this version of Node has no Zstandard,
 *   `too-large` for more than 256 MiB that are more than 250 times the size of the file
 */
export async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const decompress = decompressor(path);
  const file = createReadStream(path, { highWaterMark: 2 ** 18 });
  try {
    yield* decompress === undefined ? chunksOf(file) : decompressed(path, file, decompress);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw unreadable(path, (cause as Error).message, cause);
  } finally {
    file.destroy();
  }
}

async function* chunksOf(stream: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  // A stream of bytes without an encoding gives buffers, which its type does not say.
  for await (const chunk of stream) yield chunk as Buffer;
}

/** Decompresses a file, and sees to it that nothing of it is left over. */
async function* decompressed(
  path: string,
  file: ReadStream,
  decompress: zlib.Gunzip,
): AsyncGenerator<Buffer> {
  // A pipe does not hand errors on, and an unread file must not stay open.
  const stream = file.pipe(decompress);
  file.on('error', (error) => stream.destroy(error));
  let length = 0;
  for await (const chunk of chunksOf(stream)) {
    length += chunk.length;
    if (length > PLAIN_LIMIT && length > LARGEST_RATIO * file.bytesRead) {
      throw new DataError(
        'too-large',
        `${path} gives more than ${length / 2 ** 20} MiB, over ${LARGEST_RATIO} times its size`,
        'check where the file comes from; decompress it yourself if its content is what you expect',
      );
    }
    yield chunk;
  }
  // The decompressor takes what follows the compressed data for padding, which only zeros are.
  if (stream.bytesWritten < file.bytesRead && (await hasContent(path, stream.bytesWritten))) {
    throw unreadable(
      path,
      `it goes on with other bytes at ${stream.bytesWritten}, after its compressed data`,
    );
  }
}

/** Whether a file has bytes other than zero from a position on. */
async function hasContent(path: string, start: number): Promise<boolean> {
  for await (const chunk of chunksOf(createReadStream(path, { start }))) {
    if (chunk.some((byte) => byte !== 0)) return true;
  }
  return false;
}

function unreadable(path: string, problem: string, cause?: unknown): DataError {
  return new DataError(
    'file-unreadable',
    `cannot read ${path}: ${problem}`,
    'check that the file is complete and that you may read it',
    { cause },
  );
}

function decompressor(path: string): zlib.Gunzip | undefined {
  const options = { chunkSize: 2 ** 17 };
  if (path.endsWith('.gz')) return zlib.createGunzip(options);
  if (!path.endsWith('.zst')) return undefined;
  // Node has it from 22.15 on; its types for Node 20 do not know the name, and it has what a Gunzip has.
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  if (typeof create === 'function') return create(options) as Duplex & zlib.Gunzip;
  throw new DataError(
    'file-unreadable',
    `cannot read ${path}: this version of Node has no Zstandard`,
    'use Node 22.15 or later, or compress the file with gzip',
  );
}
