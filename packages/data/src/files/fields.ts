import { quote } from '@gram/base';
import { DataError } from '../error.js';
import type { FileRecord } from './records.js';

/**
 * Reads a field that must be a string.
 *
 * @param name name of the field, or its path as in `chosen.answer` or `scores.0`
 * @throws {DataError} `bad-record`
 */
export function textField(from: FileRecord, name: string): string {
  const value = valueAt(from, name);
  if (typeof value !== 'string') throw badField(from, name, 'a string');
  return value;
}

/**
 * Reads a field that must be a number.
 *
 * @throws {DataError} `bad-record`
 */
export function numberField(from: FileRecord, name: string): number {
  const value = valueAt(from, name);
  if (from.isText && typeof value === 'string' && NUMBER.test(value)) return Number(value);
  if (typeof value !== 'number') throw badField(from, name, 'a number');
  return value;
}

/** A number as a file of separated values writes it. */
const NUMBER = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** Reads true or false, undefined for anything else. */
export function optionalBoolean(from: FileRecord, name: string): boolean | undefined {
  const value = valueAt(from, name);
  if (typeof value === 'boolean') return value;
  const word = from.isText && typeof value === 'string' ? value.toLowerCase() : undefined;
  return word === 'true' ? true : word === 'false' ? false : undefined;
}

/** Reads a string that may be missing or of another type, which gives undefined. */
export function optionalText(from: FileRecord, name: string): string | undefined {
  const value = valueAt(from, name);
  return typeof value === 'string' ? value : undefined;
}

/** Reads the id of a record; a record without one has its position in the file. */
export function idOf(from: FileRecord, name = 'id'): string {
  const value = valueAt(from, name);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : String(from.number);
}

/** Reads the kind of task of a record: its `family`, else its `subset`. */
export function familyOf(from: FileRecord): string | undefined {
  return optionalText(from, 'family') ?? optionalText(from, 'subset');
}

/** Reads the value of a field, undefined where it is missing; `chosen.answer` is the field `answer` of `chosen`. */
export function valueAt({ record }: FileRecord, path: string): unknown {
  // Most paths are names, and each record is asked for dozens.
  if (!path.includes('.')) return Object.hasOwn(record, path) ? record[path] : undefined;
  let value: unknown = record;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

/** Makes the error for a field that is not what the format asks for. */
export function badField({ where, sources }: FileRecord, name: string, wanted: string): DataError {
  const [field = name, ...rest] = name.split('.');
  const source = sources !== undefined && Object.hasOwn(sources, field) ? sources[field] : undefined;
  return new DataError(
    'bad-record',
    `field ${quote(source === undefined ? name : [source, ...rest].join('.'))} of ${where} is not ${wanted}`,
    'repair the record, or check that the format is the right one for this file',
  );
}
