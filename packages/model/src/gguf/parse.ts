import type { FileHandle } from 'node:fs/promises';
import { quote } from '@gram/base';
import { ModelError } from '../error.js';
import { BLOCKS, isTensorType, type TensorType, typeName } from './blocks/tensor-types.js';
import { badGguf } from './error.js';
import { type GgufValue, readRawHeader, type TensorInfo } from './read-header.js';

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

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, path: string): number {
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  if (typeof alignment === 'number' && Number.isInteger(Math.log2(alignment))) {
    if (alignment >= 1 && alignment <= MAX_ALIGNMENT) return alignment;
  }
  throw badGguf(path, `general.alignment is no power of two up to ${MAX_ALIGNMENT}`);
}

function tensorOf(
  info: TensorInfo,
  { dataStart, alignment, path }: { dataStart: number; alignment: number; path: string },
): GgufTensor {
  const refuse = (problem: string) => badGguf(path, `tensor ${quote(info.name)}: ${problem}`);
  const type = typeName(info.type);
  if (type === undefined || !isTensorType(type)) {
    throw new ModelError(
      'unsupported-dtype',
      `${path}: tensor ${quote(info.name)} has the type ${type ?? info.type}`,
      `use a file with the types ${Object.keys(BLOCKS).join(', ')}`,
    );
  }
  const shape = info.sizes.toReversed();
  const size = shape.reduce((product, dim) => product * dim, 1);
  const { offset } = info;
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
/** The header that was read last, which lists all tokens. */
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
  const { dev, ino, size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true });
  const key = [path, dev, ino, size, mtimeNs, ctimeNs].join(' ');
  if (latest?.key !== key) {
    const made = { key, header: readHeader(handle, fileSize, path) };
    latest = made;
    setTimeout(() => {
      if (latest === made) latest = undefined;
    }, KEPT_MS).unref();
  }
  return latest.header;
}

async function readHeader(handle: FileHandle, fileSize: number, path: string): Promise<GgufHeader> {
  const raw = await readRawHeader(handle, fileSize, path);
  const alignment = alignmentOf(raw.metadata, path);
  const dataStart = Math.ceil(raw.bytes / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const info of raw.tensors) {
    if (tensors.has(info.name)) throw badGguf(path, `two tensors have the name ${quote(info.name)}`);
    tensors.set(info.name, tensorOf(info, { dataStart, alignment, path }));
  }
  checkRanges(tensors, fileSize, path);
  return { metadata: raw.metadata, tensors };
}
