import { valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';

/** Whether a record has all of some fields. Null counts as a value, so that a record with a gap keeps its format. */
export function hasFields(from: FileRecord, ...names: readonly string[]): boolean {
  return names.every((name) => valueAt(from, name) !== undefined);
}

/** Finds the first of some fields that a record has. */
export function firstField<Name extends string>(from: FileRecord, names: readonly Name[]): Name | undefined {
  return names.find((name) => hasFields(from, name));
}

/** Whether a field is a list whose first entry is an object. */
export function isListOfObjects(from: FileRecord, name: string): boolean {
  const value = valueAt(from, name);
  return Array.isArray(value) && typeof value[0] === 'object' && value[0] !== null;
}
