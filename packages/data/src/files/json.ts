import { DataError } from '../error.js';
import type { FileRecord, UnreadableRecord } from './records.js';

/** Longest line of a JSONL file, in bytes. */
const LINE_LIMIT = 16 * 2 ** 20;
/** Longest JSON array, in bytes after decompression; an array is parsed as a whole. */
const ARRAY_LIMIT = 256 * 2 ** 20;

const NEWLINE = 10;

/**
 * Reads the objects of JSON Lines, and goes on after a line that holds none.
 *
 * @throws {DataError} what the chunks throw
 */
export async function* scanLines(
  path: string,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<FileRecord | UnreadableRecord> {
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
  for await (const chunk of chunks) {
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

/**
 * Reads the objects of one JSON array, or of the field `examples` of an object, and goes on after an element that is none.
 *
 * @throws {DataError} `bad-json`, `too-large`, and what the chunks throw
 */
export async function* scanArray(
  path: string,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<FileRecord | UnreadableRecord> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
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
