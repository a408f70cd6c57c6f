import type { FileHandle } from 'node:fs/promises';
import { quote, sha256 } from '@gram/base';
import { GGMLQuantizationType, gguf } from '@huggingface/gguf';
import { ModelError } from '../error.js';
import { BLOCKS, isTensorType, type TensorType } from './blocks/tensor-types.js';
import { badGguf } from './error.js';
import { CHUNK_BYTES, readHeaderBytes } from './scan.js';

/** A value of the metadata. Integers of 64 bits are `bigint`. */
export type GgufValue = string | number | bigint | boolean | readonly GgufValue[];

/** Where a tensor lies in a file, and how it is stored. */
export interface GgufTensor {
  readonly type: TensorType;
  /** Outermost dimension first, as `[out, in]`; the file has them the other way round. */
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly size: number;
  /** Position of the first byte in the file. */
  readonly start: number;
  readonly bytes: number;
}

/** Header of a GGUF file: all that stands before its tensors. */
export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Entries in the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const MAX_ALIGNMENT = 1 << 16;
const DEFAULT_ALIGNMENT = 32;
/** Entries that the library adds to the metadata. */
const ADDED_KEYS = ['version', 'tensor_count', 'kv_count'] as const;

type Parsed = Awaited<ReturnType<typeof gguf>>;

/**
 * Gives the library the ranges that it asks for. It pads the last chunk with zeros, and asks for one more when little is
 * left of it, even past the end.
 */
function rangesOf(header: Uint8Array): typeof fetch {
  let start = 0;
  return async () => {
    const chunk = header.slice(start, start + CHUNK_BYTES);
    start += CHUNK_BYTES;
    return new Response(chunk);
  };
}

async function parse(header: Uint8Array, path: string): Promise<Parsed> {
  try {
    // The address only makes the library read with `fetch`, and nothing is fetched.
    return await gguf('https://file.invalid/', { fetch: rangesOf(header) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw badGguf(path, `its header cannot be read: ${reason.slice(0, 300)}`, error);
  }
}

function metadataOf(parsed: Parsed, path: string): ReadonlyMap<string, GgufValue> {
  // The library types the metadata by the keys that it knows, and files have others.
  const entries = Object.entries(parsed.metadata as unknown as Record<string, GgufValue>);
  // The library keeps the last of repeated keys, and `__proto__` is no entry of an object.
  if (BigInt(entries.length - ADDED_KEYS.length) !== parsed.metadata.kv_count) {
    throw badGguf(path, 'a key of the metadata is repeated or reserved');
  }
  return new Map(entries.filter(([key]) => !(ADDED_KEYS as readonly string[]).includes(key)));
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, path: string): number {
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  if (typeof alignment === 'number' && Number.isInteger(Math.log2(alignment))) {
    if (alignment >= 1 && alignment <= MAX_ALIGNMENT) return alignment;
  }
  throw badGguf(path, `general.alignment is no power of two up to ${MAX_ALIGNMENT}`);
}

function tensorOf(
  info: Parsed['tensorInfos'][number],
  { dataStart, alignment, path }: { dataStart: number; alignment: number; path: string },
): GgufTensor {
  const refuse = (problem: string) => badGguf(path, `tensor ${quote(info.name)}: ${problem}`);
  const type: string | undefined = GGMLQuantizationType[info.dtype];
  if (type === undefined || !isTensorType(type)) {
    throw new ModelError(
      'unsupported-dtype',
      `${path}: tensor ${quote(info.name)} has the type ${type ?? info.dtype}`,
      `use a file with the types ${Object.keys(BLOCKS).join(', ')}`,
    );
  }
  const shape = info.shape.map(Number).reverse();
  const size = shape.reduce((product, dim) => product * dim, 1);
  const offset = Number(info.offset);
  if (!Number.isSafeInteger(size) || size === 0) throw refuse('its shape is empty or overflows');
  const block = BLOCKS[type];
  if ((shape.at(-1) ?? 1) % block.elements !== 0) {
    throw refuse(
      `rows of ${shape.at(-1)} elements are not made of blocks of ${type}, ${block.elements} each`,
    );
  }
  const bytes = (size / block.elements) * block.bytes;
  if (!Number.isSafeInteger(dataStart + offset + bytes)) throw refuse('its position overflows');
  if (offset % alignment !== 0) throw refuse(`its position is not aligned to ${alignment} bytes`);
  return { type, shape, size, start: dataStart + offset, bytes };
}

function checkRanges(tensors: ReadonlyMap<string, GgufTensor>, fileSize: number, path: string): void {
  let position = 0;
  for (const [name, { start, bytes }] of [...tensors].sort(([, a], [, b]) => a.start - b.start)) {
    if (start < position) throw badGguf(path, `tensor ${quote(name)} overlaps the one before it`);
    position = start + bytes;
    if (position > fileSize) {
      throw badGguf(path, `tensor ${quote(name)} ends at byte ${position}, the file at ${fileSize}`);
    }
  }
}

/** Time in milliseconds for which a header is kept: opening a model asks for its configuration, its tokenizer and its weights. */
const KEPT_MS = 10_000;
/** The header that was read last. Parsing takes long, because it lists all tokens. */
let latest: { readonly key: string; readonly header: Promise<GgufHeader> } | undefined;

/**
 * Reads and checks the header of a GGUF file (versions 2 and 3, little-endian) and nothing after it. The file is not
 * trusted: the header lies within the file and has at most 32 MB, no key or tensor name is repeated, and every tensor
 * has its own place in the file, as large as its shape and type say.
 *
 * @throws {ModelError} `bad-gguf`, `unsupported-dtype`, `read-failed`
 */
export async function readGgufHeader(
  handle: FileHandle,
  fileSize: number,
  path: string,
): Promise<GgufHeader> {
  const bytes = await readHeaderBytes(handle, fileSize, path);
  const key = `${path} ${fileSize} ${sha256(bytes)}`;
  if (latest?.key !== key) {
    const made = { key, header: parsedHeader(bytes, fileSize, path) };
    latest = made;
    setTimeout(() => {
      if (latest === made) latest = undefined;
    }, KEPT_MS).unref();
  }
  return latest.header;
}

async function parsedHeader(header: Uint8Array, fileSize: number, path: string): Promise<GgufHeader> {
  const parsed = await parse(header, path);
  if (!parsed.littleEndian || parsed.tensorInfoByteRange[1] !== header.length) {
    throw badGguf(path, 'its header cannot be read');
  }
  const metadata = metadataOf(parsed, path);
  const alignment = alignmentOf(metadata, path);
  const dataStart = Math.ceil(header.length / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const info of parsed.tensorInfos) {
    if (tensors.has(info.name)) throw badGguf(path, `two tensors have the name ${quote(info.name)}`);
    tensors.set(info.name, tensorOf(info, { dataStart, alignment, path }));
  }
  checkRanges(tensors, fileSize, path);
  return { metadata, tensors };
}
