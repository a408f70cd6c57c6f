import { DataError } from '../error.js';
import { ArrayScanner } from './json-array.js';
import type { FileRecord, UnreadableRecord } from './records.js';

/** Longest record, in bytes: a line of a JSONL file, or an element of a JSON array. */
export const RECORD_LIMIT = 16 * 2 ** 20;

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
  let number = 1;
  let parts: Buffer[] = [];
  let length = 0;
  const where = () => `${path} line ${number}`;
  for await (const chunk of chunks) {
    let start = 0;
    while (start < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, start);
      const end = newline < 0 ? chunk.length : newline;
      const before = length;
      length += end - start;
      if (length <= RECORD_LIMIT) parts.push(chunk.subarray(start, end));
      // Said as soon as it is known: the rest of the line may have no end, and is read only if somebody goes on.
      else if (before <= RECORD_LIMIT) {
        parts = [];
        yield { where: where(), error: tooLarge(where()) };
      }
      start = end + 1;
      if (newline < 0) continue;
      const entry = length > 0 && length <= RECORD_LIMIT ? lineRecord(parts, number, where()) : undefined;
      [parts, length] = [[], 0];
      number++;
      if (entry !== undefined) yield entry;
    }
  }
  const entry = parts.length > 0 ? lineRecord(parts, number, where()) : undefined;
  if (entry !== undefined) yield entry;
}

/** The record of a line, undefined for a blank one. */
function lineRecord(
  parts: readonly Buffer[],
  number: number,
  where: string,
): FileRecord | UnreadableRecord | undefined {
  return attempt(where, () => {
    const text = decode(parts, where);
    return text.trim() === '' ? undefined : { record: toObject(parse(text, where), where), number, where };
  });
}

/**
 * Reads the objects of one JSON array, or of the field `examples` of an object, and goes on after an element that is none.
 *
 * @throws {DataError} `bad-json` for a file that holds no array or ends inside of it, and what the chunks throw
 */
export async function* scanArray(
  path: string,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<FileRecord | UnreadableRecord> {
  const scanner = new ArrayScanner(path, RECORD_LIMIT);
  for await (const chunk of chunks) {
    for (const { parts, number, isLong } of scanner.push(chunk)) {
      const where = `${path} record ${number}`;
      if (isLong) yield { where, error: tooLarge(where) };
      else {
        yield attempt(where, () => ({
          record: toObject(parse(decode(parts, where), where), where),
          number,
          where,
        }));
      }
    }
  }
  scanner.end();
}

function attempt<Entry>(where: string, read: () => Entry): Entry | UnreadableRecord {
  try {
    return read();
  } catch (error) {
    if (error instanceof DataError) return { where, error };
    throw error;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(parts: readonly Buffer[], where: string): string {
  const [only] = parts;
  try {
    return utf8.decode(only !== undefined && parts.length === 1 ? only : Buffer.concat(parts));
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
  return text.includes('__proto__') || /\\u005f/i.test(text)
    ? JSON.parse(text, withoutPrototype)
    : JSON.parse(text);
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

function tooLarge(where: string): DataError {
  return new DataError(
    'too-large',
    `${where} is longer than ${RECORD_LIMIT / 2 ** 20} MiB`,
    'split the record',
  );
}
