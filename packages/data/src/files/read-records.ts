import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { DataError } from '../error.js';

/** A JSON object of a file, whose fields are not checked. */
export interface FileRecord {
  readonly record: Readonly<Record<string, unknown>>;
  /** Position in the file, counted from 1: the line of a JSONL file or the element of a JSON array. */
  readonly number: number;
  /** The file and the position, for messages. */
  readonly where: string;
  /** Names in the file of fields that were mapped, by the names under which they are read. */
  readonly sources?: Readonly<Record<string, string>>;
}

/** Longest line of a JSONL file, in bytes. */
const LINE_LIMIT = 16 * 2 ** 20;
/** Longest JSON array, in bytes after decompression; an array is parsed as a whole. */
const ARRAY_LIMIT = 256 * 2 ** 20;

const NEWLINE = 10;

/** A place of a file that holds no record, and the error that says why. */
export interface UnreadableRecord {
  readonly where: string;
  readonly error: DataError;
}

/**
 * Reads the JSON objects of a file, one at a time.
 *
 * The name of the file decides: `.jsonl` has one object per line (blank lines are skipped) and is streamed; `.json` is one
 * array, or a task of BIG-bench, which holds one as `examples`. Either may be gzipped and end in `.gz`. Keys named
 * `__proto__` are left out, and `NaN` and `Infinity`, which Python writes and JSON has not, are read as null.
 *
 * @throws {DataError} `unknown-extension`, `file-missing`, `file-unreadable` (also for damaged gzip data), `bad-json`,
 *   `bad-record` (an element that is not an object) or `too-large` (a line above 16 MiB, an array above 256 MiB)
 *
 * @example
 * ```ts
 * for await (const { record, where } of readRecords('pairs.jsonl.gz')) console.log(where, record.prompt);
 * ```
 */
export function readRecords(path: string): AsyncIterable<FileRecord> {
  return orThrow(scanRecords(path));
}

async function* orThrow(entries: AsyncIterable<FileRecord | UnreadableRecord>): AsyncGenerator<FileRecord> {
  for await (const entry of entries) {
    if ('error' in entry) throw entry.error;
    yield entry;
  }
}

/**
 * Reads the JSON objects of a file as `readRecords` does, and goes on after a line or an element that is none.
 *
 * @throws {DataError} what concerns the file as a whole
 */
export function scanRecords(path: string): AsyncIterable<FileRecord | UnreadableRecord> {
  const form = /\.(jsonl?)(\.gz)?$/.exec(path)?.[1];
  if (form === undefined) {
    throw new DataError(
      'unknown-extension',
      `cannot tell the form of ${path}`,
      'name the file .jsonl, .json, .jsonl.gz or .json.gz after what it holds',
    );
  }
  return form === 'jsonl' ? scanLines(path) : scanArray(path);
}

async function* scanLines(path: string): AsyncGenerator<FileRecord | UnreadableRecord> {
  let number = 0;
  let parts: Buffer[] = [];
  let length = 0;
  const finish = (): FileRecord | UnreadableRecord | undefined => {
    number++;
    const where = `${path} line ${number}`;
    const [bytes, isLong] = [parts, length > LINE_LIMIT];
    [parts, length] = [[], 0];
    return isLong ? { where, error: tooLarge(where, LINE_LIMIT) } : lineRecord(bytes, number, where);
  };
  for await (const chunk of bytesOf(path)) {
    let start = 0;
    while (start < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, start);
      const end = newline < 0 ? chunk.length : newline;
      length += end - start;
      // The rest of a line that is too long is read and not kept.
      parts = length > LINE_LIMIT ? [] : [...parts, chunk.subarray(start, end)];
      const entry = newline >= 0 ? finish() : undefined;
      if (entry !== undefined) yield entry;
      start = end + 1;
    }
  }
  const entry = length > 0 ? finish() : undefined;
  if (entry !== undefined) yield entry;
}

/** The record of a line, undefined for a blank one. */
function lineRecord(
  bytes: readonly Buffer[],
  number: number,
  where: string,
): FileRecord | UnreadableRecord | undefined {
  return attempt(where, () => {
    const text = decode(Buffer.concat(bytes), where);
    return text.trim() === '' ? undefined : { record: toObject(parse(text, where), where), number, where };
  });
}

async function* scanArray(path: string): AsyncGenerator<FileRecord | UnreadableRecord> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytesOf(path)) {
    length += chunk.length;
    if (length > ARRAY_LIMIT) throw tooLarge(path, ARRAY_LIMIT);
    parts.push(chunk);
  }
  const whole = parse(decode(Buffer.concat(parts, length), path), path);
  const value = typeof whole === 'object' && whole !== null && 'examples' in whole ? whole.examples : whole;
  if (!Array.isArray(value)) {
    throw new DataError('bad-json', `${path} holds no array`, 'wrap the records in [ ], or use .jsonl');
  }
  const elements: readonly unknown[] = value;
  for (const [index, element] of elements.entries()) {
    const where = `${path} record ${index + 1}`;
    yield attempt(where, () => ({ record: toObject(element, where), number: index + 1, where }));
  }
}

function attempt<Entry>(where: string, read: () => Entry): Entry | UnreadableRecord {
  try {
    return read();
  } catch (error) {
    if (error instanceof DataError) return { where, error };
    throw error;
  }
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const found = await stat(path).catch((cause: Error) => {
    throw new DataError('file-missing', `cannot find ${path}`, 'check the path', { cause });
  });
  if (!found.isFile()) {
    throw new DataError('file-unreadable', `${path} is not a file`, 'give the path of one file');
  }
  const file = createReadStream(path);
  // A pipe does not hand errors on, and an unread file must not stay open.
  const stream = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
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

function decode(bytes: Buffer, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError('bad-json', `${where} is not UTF-8`, 'save the file as UTF-8', { cause });
  }
}

function parse(text: string, where: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    const repaired = withoutNaN(text);
    if (repaired !== text) return parse(repaired, where);
    throw new DataError(
      'bad-json',
      `${where} is not JSON: ${(cause as Error).message}`,
      'repair or remove it; a download that was cut off often ends this way',
      { cause },
    );
  }
}

function parseJson(text: string): unknown {
  // The reviver costs time, so it runs only where the key can be written.
  return /__proto__|\\u005f/i.test(text) ? JSON.parse(text, withoutPrototype) : JSON.parse(text);
}

/** Writes null for each `NaN` and `Infinity` outside of a string. */
function withoutNaN(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (found) =>
    found.startsWith('"') ? found : 'null',
  );
}

function withoutPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toObject(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (!isObject(value)) {
    throw new DataError('bad-record', `${where} is not an object`, 'make every record a JSON object');
  }
  return value;
}

function tooLarge(where: string, limit: number): DataError {
  return new DataError(
    'too-large',
    `${where} is longer than ${limit / 2 ** 20} MiB`,
    'split the record, or write a long array as .jsonl',
  );
}
