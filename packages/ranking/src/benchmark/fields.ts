import { badField, type FileRecord, textField, valueAt } from '@gram/data';

/** Maximum number of responses of one record: the number of comparisons grows with its square. */
const RESPONSE_LIMIT = 64;

/** Reads a field that must be a list of at least one text. */
export function textsField(from: FileRecord, name: string): string[] {
  return listField(from, name).map((_, at) => textField(from, `${name}.${at}`));
}

/** Reads a field that must be a list of at least one entry. */
export function listField(from: FileRecord, name: string): unknown[] {
  const list = valueAt(from, name);
  if (Array.isArray(list) && list.length > 0 && list.length <= RESPONSE_LIMIT) return list;
  throw badField(from, name, `a list of 1 to ${RESPONSE_LIMIT} entries`);
}
