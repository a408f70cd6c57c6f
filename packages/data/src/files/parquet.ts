import { type FileHandle, open } from 'node:fs/promises';
import { quote } from '@gram/base';
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { DataError } from '../error.js';
import type { FileRecord } from './records.js';

// The adapter of the library for Parquet. It trusts what a file says of its sizes, so all of them are checked before it reads.

/** Bytes of one row group after decompression, which are in memory at once. */
const GROUP_LIMIT = 2 ** 30;
/** Bytes of one page after decompression. */
const PAGE_LIMIT = 2 ** 28;
/** Rows of one row group. */
const ROW_LIMIT = 2 ** 22;
/** Values of one column of a row group, those of its lists included. */
const VALUE_LIMIT = 2 ** 26;

type RowGroup = FileMetaData['row_groups'][number];
type ColumnMetadata = NonNullable<RowGroup['columns'][number]['meta_data']>;

/**
 * Reads the rows of a Parquet file, one row group after the other, as JSON would hold them: whole numbers of 64 bits are numbers,
 * or texts where a number would not be exact; times are texts in ISO format; what is missing is null.
 *
 * @throws {DataError} `file-missing`, `file-unreadable` for what is no Parquet or contradicts itself, `too-large` for a row group
 *   above 1 GiB or 4 Mi rows, or a page above 256 MiB
 */
export async function* scanParquet(path: string): AsyncGenerator<FileRecord> {
  const handle = await open(path).catch((cause: Error) => {
    throw unreadable(path, cause.message, cause);
  });
  try {
    const file = await bufferOf(handle);
    const metadata = await readMetadata(path, file);
    let number = 0;
    for (const group of metadata.row_groups) {
      const rows = await readGroup(path, file, metadata, { group, start: number });
      for (const row of rows) {
        number++;
        yield { record: row, number, where: `${path} row ${number}` };
      }
    }
  } finally {
    await handle.close();
  }
}

async function bufferOf(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      if (start < 0 || end < start || end > size)
        throw new RangeError(`bytes ${start} to ${end} of ${size} are wanted`);
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      if (bytesRead < bytes.length) throw new RangeError(`it ends after ${start + bytesRead} bytes`);
      return bytes.buffer;
    },
  };
}

/** Reads the footer, and checks what it says against the file. */
async function readMetadata(path: string, file: AsyncBuffer): Promise<FileMetaData> {
  return attempt(path, async () => {
    const metadata = await parquetMetadataAsync(file, { geoparquet: false });
    checkMetadata(path, file, metadata);
    return metadata;
  });
}

function checkMetadata(path: string, file: AsyncBuffer, metadata: FileMetaData): void {
  const names = topNames(metadata);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw unreadable(path, `it has two columns with the name ${quote(twice)}`);
  const rows = metadata.row_groups.reduce((sum, { num_rows: count }) => sum + count, 0n);
  if (rows !== metadata.num_rows) {
    throw unreadable(path, `its footer says ${metadata.num_rows} rows, and its row groups have ${rows}`);
  }
  for (const [at, group] of metadata.row_groups.entries()) checkGroup(path, file, group, at);
}

/** The names of the columns; of a nested one the outer name. */
function topNames({ schema: [root, ...elements] }: FileMetaData): readonly string[] {
  const names: string[] = [];
  let at = 0;
  const skip = () => {
    let [left, place] = [elements[at]?.num_children ?? 0, at + 1];
    for (; left > 0 && place < elements.length; place++) left += (elements[place]?.num_children ?? 0) - 1;
    at = place;
  };
  for (let child = 0; child < (root?.num_children ?? 0) && at < elements.length; child++) {
    names.push(elements[at]?.name ?? '');
    skip();
  }
  return names;
}

function checkGroup(
  path: string,
  { byteLength }: AsyncBuffer,
  { columns, num_rows: rows }: RowGroup,
  at: number,
): void {
  const where = `row group ${at + 1}`;
  if (rows < 0n) throw unreadable(path, `${where} has ${rows} rows`);
  // An empty one has no pages.
  if (rows === 0n) return;
  let size = 0;
  for (const { meta_data: column, file_path: other } of columns) {
    if (column === undefined || other !== undefined)
      throw unreadable(path, `${where} has a column in another file`);
    const [start, end] = rangeOf(column);
    if (start < 4 || end < start || end > byteLength) {
      throw unreadable(path, `${where} has a column at bytes ${start} to ${end} of ${byteLength}`);
    }
    size += Number(column.total_uncompressed_size);
    if (column.num_values < 0n || column.num_values > VALUE_LIMIT)
      throw tooLarge(path, where, `${column.num_values} values`);
  }
  if (rows > ROW_LIMIT) throw tooLarge(path, where, `${rows} rows`);
  if (size > GROUP_LIMIT) throw tooLarge(path, where, `${Math.ceil(size / 2 ** 20)} MiB`);
}

/** The bytes of a column of a row group, from the first to before the last. */
function rangeOf(column: ColumnMetadata): [start: number, end: number] {
  const { dictionary_page_offset: dictionary, data_page_offset: data } = column;
  const start = Number(dictionary !== undefined && dictionary > 0n && dictionary < data ? dictionary : data);
  return [start, start + Number(column.total_compressed_size)];
}

async function readGroup(
  path: string,
  file: AsyncBuffer,
  metadata: FileMetaData,
  { group, start }: { readonly group: RowGroup; readonly start: number },
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const count = Number(group.num_rows);
  if (count === 0) return [];
  return attempt(path, async () => {
    for (const { meta_data: column } of group.columns)
      if (column !== undefined) await checkPages(file, column);
    const rows = await parquetReadObjects({
      file,
      metadata,
      rowStart: start,
      rowEnd: start + count,
      compressors: await boundedDecompressors(),
      geoparquet: false,
      parsers,
    });
    if (rows.length !== count)
      throw new RangeError(`${rows.length} rows were found where ${count} are listed`);
    return rows.map((row) => {
      const record = plain(row);
      if (typeof record !== 'object' || record === null) throw new RangeError('a row is no object');
      return record as Record<string, unknown>;
    });
  });
}

/** Adds up the values that the headers of the pages announce, for which the library makes room at once. */
async function checkPages(file: AsyncBuffer, column: ColumnMetadata): Promise<void> {
  const view = new DataView(await file.slice(...rangeOf(column)));
  const reader = { view, offset: 0 };
  let values = 0n;
  while (reader.offset < view.byteLength - 1 && values < column.num_values) {
    // A page header of the format: sizes before and after compression, then the header of its kind with the number of values.
    const header: Readonly<Record<string, unknown>> = deserializeTCompactProtocol(reader);
    const [plainSize, size] = [Number(header.field_2), Number(header.field_3)];
    const [data, dictionary] = [countOf(header.field_5) + countOf(header.field_8), countOf(header.field_7)];
    if (!(plainSize >= 0 && plainSize <= PAGE_LIMIT && size >= 0))
      throw new RangeError(`a page has ${plainSize} bytes`);
    if (!(data >= 0 && data <= Number(column.num_values) && dictionary >= 0 && dictionary <= VALUE_LIMIT)) {
      throw new RangeError(`a page has ${data + dictionary} values and its column ${column.num_values}`);
    }
    values += BigInt(data);
    reader.offset += size;
  }
  if (values !== column.num_values) {
    throw new RangeError(
      `column ${quote(column.path_in_schema.join('.'))} lists ${column.num_values} values and has ${values}`,
    );
  }
}

function countOf(header: unknown): number {
  return typeof header === 'object' && header !== null && 'field_1' in header ? Number(header.field_1) : 0;
}

/** The decompressors of the library, which must give as many bytes as a page announces. */
async function boundedDecompressors(): Promise<Compressors> {
  // One of them reserves gigabytes of addresses as it is loaded, which a limit on memory may not allow.
  const { compressors } = await import('hyparquet-compressors');
  return Object.fromEntries(
    Object.entries(compressors).map(([name, decompress]) => [
      name,
      (input: Uint8Array, length: number) => {
        if (length > PAGE_LIMIT) throw new RangeError(`a page has ${length} bytes`);
        const output = decompress?.(input, length);
        if (output?.length !== length)
          throw new RangeError(`a page has ${output?.length} bytes and announces ${length}`);
        return output;
      },
    ]),
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

const parsers = {
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && utf8.decode(bytes),
  timestampFromMicroseconds: (micros: bigint) => isoTime(micros, 1_000_000n),
  timestampFromNanoseconds: (nanos: bigint) => isoTime(nanos, 1_000_000_000n),
};

/** A time as a text with all its digits. */
function isoTime(count: bigint, perSecond: bigint): string {
  const seconds = count / perSecond - (count % perSecond < 0n ? 1n : 0n);
  const rest = count - seconds * perSecond;
  const digits = perSecond.toString().length - 1;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, -5)}.${rest.toString().padStart(digits, '0')}`;
}

/** A value as JSON would hold it. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (value === undefined || value === null || typeof value !== 'object') return value ?? null;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return Array.from(value as ArrayLike<unknown>, plain);
  const entries = Object.entries(value).filter(([name]) => name !== '__proto__');
  return Object.fromEntries(entries.map(([name, inner]) => [name, plain(inner)]));
}

/** Reads with the library, whose errors are about the file. */
async function attempt<Result>(path: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw unreadable(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function unreadable(path: string, problem: string, cause?: unknown): DataError {
  return new DataError(
    'file-unreadable',
    `cannot read ${path} as Parquet: ${problem}`,
    'check that the file is complete; a download that was cut off often ends this way',
    { cause },
  );
}

function tooLarge(path: string, where: string, size: string): DataError {
  return new DataError(
    'too-large',
    `${where} of ${path} has ${size}`,
    'write the file with smaller row groups, for example row_group_size=100_000 of pyarrow',
  );
}
