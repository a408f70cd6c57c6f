import type { FileHandle } from 'node:fs/promises';
import { readFully } from '../files/read.js';
import { badGguf } from './error.js';

// The largest vocabularies, of 260 000 tokens with their merges, take about 16 MB.
const MAX_HEADER_BYTES = 32_000_000;
const FIRST_BYTES = 1 << 20;
const MAX_KEYS = 10_000;
const MAX_TENSORS = 100_000;
const MAX_DIMENSIONS = 4;
const MAX_NAME_BYTES = 1000;
const MAX_TEXT_BYTES = 10_000_000;
const MAX_ITEMS = 1_000_000;
// Some seconds. The vocabulary above takes two million.
const MAX_READS = 5_000_000;

/** The parser gets the file in chunks of this size, and begins a list anew for each chunk that it lacks. */
export const CHUNK_BYTES = 2_000_000;

const MAGIC = 0x46554747;
const TEXT = 8;
const LIST = 9;
/** Bytes of each kind of value, by its number; texts and lists have none. */
const VALUE_BYTES = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];

/** Thrown when the bytes end before the header. */
class CutOff extends Error {}

/**
 * Walks over a header without keeping anything of it, and refuses what would cost the parser much time or memory:
 * lists in lists, which llama.cpp does not write, and sizes out of proportion.
 *
 * @returns the position after the header
 * @throws CutOff
 */
function walk(bytes: Uint8Array, path: string): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let reads = 0;
  const skip = (length: number) => {
    if (at + length > bytes.length) throw new CutOff();
    at += length;
  };
  const u32 = () => {
    skip(4);
    return view.getUint32(at - 4, true);
  };
  const count = (what: string, most: number) => {
    skip(8);
    const value = view.getBigUint64(at - 8, true);
    if (value <= most) return Number(value);
    throw badGguf(path, `its header has ${value} ${what}, more than the limit of ${most}`);
  };
  const scalar = (kind: number) => {
    const length = VALUE_BYTES[kind];
    if (length === undefined) throw badGguf(path, `its header has values of an unknown kind, ${kind}`);
    return length;
  };
  const list = () => {
    const kind = u32();
    const items = count('items in a list', MAX_ITEMS);
    const start = at;
    if (kind === LIST) throw badGguf(path, 'its header has a list of lists');
    if (kind !== TEXT) skip(items * scalar(kind));
    else for (let i = 0; i < items; i++) skip(count('bytes in a text', MAX_TEXT_BYTES));
    reads += items * (1 + Math.ceil((at - start) / CHUNK_BYTES));
    if (reads > MAX_READS) throw badGguf(path, 'the lists in its header are too large');
  };

  if (u32() !== MAGIC) throw badGguf(path, 'it does not begin with GGUF');
  const version = u32();
  if (version !== 2 && version !== 3)
    throw badGguf(path, `it has the version ${version}, only 2 and 3 are supported`);
  const tensors = count('tensors', MAX_TENSORS);
  const keys = count('keys', MAX_KEYS);
  for (let i = 0; i < keys; i++) {
    skip(count('bytes in a key', MAX_NAME_BYTES));
    const kind = u32();
    if (kind === TEXT) skip(count('bytes in a text', MAX_TEXT_BYTES));
    else if (kind === LIST) list();
    else skip(scalar(kind));
  }
  for (let i = 0; i < tensors; i++) {
    skip(count('bytes in the name of a tensor', MAX_NAME_BYTES));
    const dimensions = u32();
    if (dimensions > MAX_DIMENSIONS) throw badGguf(path, `a tensor has ${dimensions} dimensions`);
    // Dimensions, type and position.
    skip(8 * dimensions + 12);
  }
  return at;
}

/**
 * The bytes of the header of a GGUF file, which are well-formed: every count and length lies within the file.
 *
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @throws {ModelError} `bad-gguf`, `read-failed`
 */
export async function readHeaderBytes(
  handle: FileHandle,
  fileSize: number,
  path: string,
): Promise<Uint8Array> {
  const most = Math.min(fileSize, MAX_HEADER_BYTES);
  for (let length = Math.min(FIRST_BYTES, most); ; length = Math.min(4 * length, most)) {
    const bytes = new Uint8Array(length);
    await readFully(handle, bytes, 0, path);
    try {
      return bytes.subarray(0, walk(bytes, path));
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
      if (length === fileSize) throw badGguf(path, 'it ends within its header', error);
      if (length === most) throw badGguf(path, `its header has more than the limit of ${most} bytes`, error);
    }
  }
}
