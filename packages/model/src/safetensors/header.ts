import { quote } from '@gram/base';
import { ModelError } from '../error.js';
import { parseJson } from '../files/json.js';

/** Limit of the header, the one of the reference implementation. */
export const MAX_HEADER_BYTES = 100_000_000;
/** Bytes before the header: its length as a 64-bit little-endian integer. */
export const LENGTH_BYTES = 8;

/** Bytes of one element of each element type that weights have. */
const WEIGHT_BYTES = { F32: 4, F16: 2, BF16: 2 } as const;
/** Bytes of one element of the types of buffers that stand beside weights, which are never read. */
const BUFFER_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  U32: 4,
  I32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;
const DTYPE_BYTES = { ...WEIGHT_BYTES, ...BUFFER_BYTES };

/** Element type of weights. */
export type WeightDType = keyof typeof WEIGHT_BYTES;
/** Element type of whatever a file may hold. */
type FileDType = keyof typeof DTYPE_BYTES;

/** Where a tensor lies in a file. */
export interface TensorEntry {
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  /** Position of the first byte in the file. */
  readonly start: number;
  /** Number of elements. */
  readonly size: number;
}

export interface Header {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Has no prototype. */
  readonly metadata: Record<string, string>;
}

export function badSafetensors(where: string, problem: string): ModelError {
  return new ModelError('bad-safetensors', `${where}: ${problem}`, 'get the file again from its source');
}

/** Length of the header, from the first eight bytes of the file, checked before anything is allocated. */
export function headerLength(prefix: Uint8Array, fileSize: number, where: string): number {
  const length = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw badSafetensors(where, `the header has ${length} bytes, more than the limit of ${MAX_HEADER_BYTES}`);
  }
  if (Number(length) > fileSize - LENGTH_BYTES) {
    throw badSafetensors(where, `the header has ${length} bytes, the whole file ${fileSize}`);
  }
  return Number(length);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parseMetadata(value: unknown, where: string): Record<string, string> {
  if (!isRecord(value)) throw badSafetensors(where, '__metadata__ is not an object');
  const metadata: Record<string, string> = Object.create(null);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw badSafetensors(where, `__metadata__ ${quote(key)} is not a string`);
    metadata[key] = text;
  }
  return metadata;
}

/** Whether a tensor holds integers. */
export function holdsIntegers({ dtype }: TensorEntry): boolean {
  return Object.hasOwn(BUFFER_BYTES, dtype) && dtype !== 'F64';
}

/** The element type of a tensor that is to be read. @throws {ModelError} `unsupported-dtype` where weights do not have it */
export function weightDType(name: string, { dtype }: TensorEntry, where: string): WeightDType {
  if (Object.hasOwn(WEIGHT_BYTES, dtype)) return dtype as WeightDType;
  throw unsupported(name, dtype, where);
}

function unsupported(name: string, dtype: string, where: string): ModelError {
  return new ModelError(
    'unsupported-dtype',
    `${where}: tensor ${quote(name)} has the element type ${quote(dtype)}`,
    'convert the weights to F32, F16 or BF16',
  );
}

function isFileDType(dtype: unknown): dtype is FileDType {
  return typeof dtype === 'string' && Object.hasOwn(DTYPE_BYTES, dtype);
}

/** Length prefix and text of a header, padded with spaces to a multiple of 64 bytes. */
export function headerBytes(header: object): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(Math.ceil((LENGTH_BYTES + text.length) / 64) * 64).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - LENGTH_BYTES), true);
  bytes.set(text, LENGTH_BYTES);
  return bytes;
}

/** Checks one entry; `start` still counts from the end of the header. */
function parseEntry(name: string, value: unknown, where: string): TensorEntry & { end: number } {
  const refuse = (problem: string) => badSafetensors(where, `tensor ${quote(name)}: ${problem}`);
  if (!isRecord(value)) throw refuse('its entry is not an object');
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw refuse(`unknown field ${quote(unknown)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw refuse('shape is not a list of sizes');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw refuse('data_offsets is not a pair of positions');
  }
  if (typeof dtype !== 'string') throw refuse('dtype is not a string');
  if (!isFileDType(dtype)) throw unsupported(name, dtype, where);
  let size = 1;
  for (const dim of shape) {
    size *= dim;
    if (!Number.isSafeInteger(size)) throw refuse('shape overflows');
  }
  const [start, end] = offsets as [number, number];
  if (end < start) throw refuse('data_offsets ends before it begins');
  const bytes = size * DTYPE_BYTES[dtype];
  if (bytes !== end - start) {
    throw refuse(
      `shape [${shape.slice(0, 8)}] of ${dtype} takes ${bytes} bytes, data_offsets span ${end - start}`,
    );
  }
  return { dtype, shape, start, size, end };
}

/**
 * Parses and checks a header: every tensor's bytes follow from its shape and element type, and the tensors cover
 * the rest of the file one after the other, with no hole and no overlap.
 */
export function parseHeader(header: Uint8Array, fileSize: number, where: string): Header {
  if (header[0] !== 0x7b) throw badSafetensors(where, 'the header does not begin with {');
  const json = parseJson(header, `header of ${where}`);
  if (!isRecord(json)) throw badSafetensors(where, 'the header is not an object');
  const { __metadata__: metadata, ...tensors } = json;
  const entries = Object.entries(tensors).map(([name, value]) => ({
    name,
    ...parseEntry(name, value, where),
  }));

  const dataStart = LENGTH_BYTES + header.length;
  const dataBytes = fileSize - dataStart;
  let position = 0;
  for (const entry of entries.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (entry.start !== position) {
      const fault = entry.start < position ? 'overlaps' : 'leaves a hole after';
      throw badSafetensors(where, `tensor ${quote(entry.name)} ${fault} the one before it`);
    }
    position = entry.end;
  }
  if (position !== dataBytes) {
    throw badSafetensors(where, `the tensors take ${position} bytes, the file has ${dataBytes} for them`);
  }
  return {
    tensors: new Map(
      entries.map(({ name, dtype, shape, start, size }) => [
        name,
        { dtype, shape, size, start: dataStart + start },
      ]),
    ),
    metadata: metadata === undefined ? Object.create(null) : parseMetadata(metadata, where),
  };
}
