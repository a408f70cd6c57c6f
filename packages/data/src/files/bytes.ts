import { createReadStream } from 'node:fs';
import type { Duplex } from 'node:stream';
import * as zlib from 'node:zlib';
import { DataError } from '../error.js';

/**
 * Reads the bytes of a file, decompressed where its name ends in `.gz` or `.zst`.
 *
 * @throws {DataError} `file-missing`, `file-unreadable`, also for damaged data and where this version of Node has no Zstandard
 */
export async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const decompress = decompressor(path);
  const file = createReadStream(path);
  // A pipe does not hand errors on, and an unread file must not stay open.
  const stream = decompress === undefined ? file : file.pipe(decompress);
  file.on('error', (error) => stream.destroy(error));
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (cause) {
    throw new DataError(
      'file-unreadable',
      `cannot read ${path}: ${(cause as Error).message}`,
      'check that the file is complete and that you may read it',
      { cause },
    );
  } finally {
    file.destroy();
  }
}

function decompressor(path: string): Duplex | undefined {
  if (path.endsWith('.gz')) return zlib.createGunzip();
  if (!path.endsWith('.zst')) return undefined;
  // Node has it from 22.15 on; its types for Node 20 do not know the name.
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  if (typeof create === 'function') return create() as Duplex;
  throw new DataError(
    'file-unreadable',
    `cannot read ${path}: this version of Node has no Zstandard`,
    'use Node 22.15 or later, or compress the file with gzip',
  );
}
