import { isUtf8 } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { readFully } from '../files/read.js';
import { badGguf } from './error.js';

/** A single value of the metadata. Integers of 64 bits are `bigint`. */
export type GgufScalar = string | number | bigint | boolean;

/** A list of the metadata. Vocabularies have hundreds of thousands of items, which only the tokenizer needs. */
export interface GgufList {
  readonly length: number;
  /** Reads the items, each time anew. @throws {ModelError} `bad-gguf` for text that is not UTF-8 */
  read(): readonly GgufScalar[];
}

/** A value of the metadata. */
export type GgufValue = GgufScalar | GgufList;

/** Name, sizes, type and offset of a tensor, as the header has them. */
export interface TensorInfo {
  readonly name: string;
  /** Sizes in the order of the file, innermost first. They may be too large for a number to be exact. */
  readonly sizes: readonly number[];
  /** Number of the type in ggml. */
  readonly type: number;
  /** Position after the start of the tensors, which may be too large for a number to be exact. */
  readonly offset: number;
}

/** A header as the file has it, with the number of its bytes. */
export interface RawHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly TensorInfo[];
  readonly bytes: number;
}

// The largest vocabularies, of 260 000 tokens with their merges, take about 16 MB.
const MAX_HEADER_BYTES = 32_000_000;
const FIRST_BYTES = 1 << 22;
const MAX_KEYS = 10_000;
const MAX_TENSORS = 100_000;
const MAX_DIMENSIONS = 4;
const MAX_NAME_BYTES = 1000;
const MAX_TEXT_BYTES = 10_000_000;
const MAX_ITEMS = 1_000_000;
// The vocabulary above has 1.3 million.
const MAX_ITEMS_TOGETHER = 2_000_000;

const MAGIC = 0x46554747;
const TEXT = 8;
const LIST = 9;

/** Scalars by the number of their kind: their bytes, and how they are read. Texts and lists have none. */
const SCALARS: readonly (
  | readonly [bytes: number, read: (bytes: Buffer, at: number) => GgufScalar]
  | undefined
)[] = [
  [1, (bytes, at) => bytes.readUInt8(at)],
  [1, (bytes, at) => bytes.readInt8(at)],
  [2, (bytes, at) => bytes.readUInt16LE(at)],
  [2, (bytes, at) => bytes.readInt16LE(at)],
  [4, (bytes, at) => bytes.readUInt32LE(at)],
  [4, (bytes, at) => bytes.readInt32LE(at)],
  [4, (bytes, at) => bytes.readFloatLE(at)],
  [1, (bytes, at) => bytes.readUInt8(at) !== 0],
  undefined,
  undefined,
  [8, (bytes, at) => bytes.readBigUInt64LE(at)],
  [8, (bytes, at) => bytes.readBigInt64LE(at)],
  [8, (bytes, at) => bytes.readDoubleLE(at)],
];

/** Thrown when the bytes end before the header. */
class CutOff extends Error {}

/** Reads a header front to back, and refuses counts and sizes out of proportion before anything is made of them. */
class HeaderReader {
  private items = 0;

  /** @param at position of the next byte */
  constructor(
    private readonly bytes: Buffer,
    private readonly path: string,
    private at = 0,
  ) {}

  /** @throws CutOff */
  header(): RawHeader {
    if (this.u32() !== MAGIC) throw this.bad('it does not begin with GGUF');
    const version = this.u32();
    if (version !== 2 && version !== 3)
      throw this.bad(`it has the version ${version}, only 2 and 3 are supported`);
    const tensorCount = this.count('tensors', MAX_TENSORS);
    const keyCount = this.count('keys', MAX_KEYS);
    const metadata = new Map<string, GgufValue>();
    for (let i = 0; i < keyCount; i++) {
      const key = this.text('a key', MAX_NAME_BYTES);
      if (metadata.has(key)) throw this.bad('a key of the metadata is repeated');
      metadata.set(key, this.value(this.u32()));
    }
    const tensors: TensorInfo[] = [];
    for (let i = 0; i < tensorCount; i++) tensors.push(this.tensor());
    return { metadata, tensors, bytes: this.at };
  }

  private tensor(): TensorInfo {
    const name = this.text('the name of a tensor', MAX_NAME_BYTES);
    const dimensions = this.u32();
    if (dimensions > MAX_DIMENSIONS) throw this.bad(`a tensor has ${dimensions} dimensions`);
    const sizes = Array.from({ length: dimensions }, () => Number(this.u64()));
    return { name, sizes, type: this.u32(), offset: Number(this.u64()) };
  }

  private value(kind: number): GgufValue {
    if (kind === TEXT) return this.text('a text', MAX_TEXT_BYTES);
    if (kind === LIST) return this.list();
    const [length, read] = this.scalar(kind);
    return read(this.bytes, this.take(length));
  }

  private list(): GgufList {
    const kind = this.u32();
    const length = this.count('items in a list', MAX_ITEMS);
    this.items += length;
    if (this.items > MAX_ITEMS_TOGETHER) throw this.bad('the lists in its header are too large');
    // llama.cpp does not write any.
    if (kind === LIST) throw this.bad('its header has a list of lists');
    const { bytes, path, at: start } = this;
    if (kind === TEXT) {
      for (let i = 0; i < length; i++) this.take(this.count('bytes in a text', MAX_TEXT_BYTES));
      return {
        length,
        read() {
          const reader = new HeaderReader(bytes, path, start);
          return Array.from({ length }, () => reader.text('a text', MAX_TEXT_BYTES));
        },
      };
    }
    const [size, readAt] = this.scalar(kind);
    this.take(length * size);
    return { length, read: () => Array.from({ length }, (_, i) => readAt(bytes, start + i * size)) };
  }

  private scalar(kind: number) {
    const scalar = SCALARS[kind];
    if (scalar === undefined) throw this.bad(`its header has values of an unknown kind, ${kind}`);
    return scalar;
  }

  private text(what: string, most: number): string {
    const length = this.count(`bytes in ${what}`, most);
    const start = this.take(length);
    const text = this.bytes.toString('utf8', start, start + length);
    // Damaged characters are read as this one.
    if (text.includes('\uFFFD') && !isUtf8(this.bytes.subarray(start, start + length)))
      throw this.bad(`${what} in its header is not UTF-8`);
    return text;
  }

  private count(what: string, most: number): number {
    const at = this.take(8);
    const value = this.bytes.readUInt32LE(at) + 2 ** 32 * this.bytes.readUInt32LE(at + 4);
    if (value <= most) return value;
    throw this.bad(
      `its header has ${this.bytes.readBigUInt64LE(at)} ${what}, more than the limit of ${most}`,
    );
  }

  private u32(): number {
    return this.bytes.readUInt32LE(this.take(4));
  }

  private u64(): bigint {
    return this.bytes.readBigUInt64LE(this.take(8));
  }

  /** Passes over bytes and gives the position of the first. */
  private take(length: number): number {
    const start = this.at;
    if (start + length > this.bytes.length) throw new CutOff();
    this.at = start + length;
    return start;
  }

  private bad(problem: string) {
    return badGguf(this.path, problem);
  }
}

/**
 * Reads the header of a GGUF file. Every count and length in it lies within the file.
 *
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @throws {ModelError} `bad-gguf`, `read-failed`
 */
export async function readRawHeader(handle: FileHandle, fileSize: number, path: string): Promise<RawHeader> {
  const most = Math.min(fileSize, MAX_HEADER_BYTES);
  for (let length = Math.min(FIRST_BYTES, most); ; length = Math.min(4 * length, most)) {
    const bytes = Buffer.alloc(length);
    await readFully(handle, bytes, 0, path);
    try {
      return new HeaderReader(bytes, path).header();
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
      if (length === fileSize) throw badGguf(path, 'it ends within its header', error);
      if (length === most) throw badGguf(path, `its header has more than the limit of ${most} bytes`, error);
    }
  }
}
