import { quote } from '@gram/base';
import { DataError } from '../error.js';
import { valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';

/** Where a field comes from: a path, a path with a default, or a text with paths in braces. */
export type Column =
  | string
  | { readonly path: string; readonly default: unknown }
  | { readonly template: string };

/** The fields that formats read, each with where a file has it. */
export type Columns = { readonly [Field in ColumnField]?: Column };

/** The fields that can be mapped. */
export const columnFields = [
  'prompt',
  'chosen',
  'rejected',
  'response',
  'responses',
  'scores',
  'ranks',
  'label',
  'messages',
  'text',
  'system',
  'history',
  'tools',
  'margin',
  'id',
  'family',
] as const;

/** The name of a field that can be mapped. */
export type ColumnField = (typeof columnFields)[number];

/**
 * Checks that columns map fields that formats read.
 *
 * @throws {DataError} `bad-option`
 */
export function checkColumns(columns: Columns): void {
  const known: readonly string[] = columnFields;
  const names = Object.keys(columns);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined && names.length > 0) return;
  throw new DataError(
    'bad-option',
    unknown === undefined ? 'the columns map no field' : `columns map the field ${quote(unknown)}`,
    `map some of ${columnFields.join(', ')}`,
  );
}

/** Makes a record of the mapped fields alone, and of the id where that is not mapped. */
export function mapColumns(from: FileRecord, columns: Columns): FileRecord {
  const record: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  const id = valueAt(from, 'id');
  if (id !== undefined) record.id = id;
  for (const [field, column] of Object.entries(columns)) {
    record[field] = columnValue(from, column);
    sources[field] = typeof column === 'string' ? column : 'path' in column ? column.path : column.template;
  }
  return { ...from, record, unmapped: from.record, sources };
}

function columnValue(from: FileRecord, column: Column): unknown {
  if (typeof column === 'string') return valueAt(from, column);
  if ('path' in column) return valueAt(from, column.path) ?? column.default;
  return column.template.replace(/\{([^{}]+)\}/g, (_, path: string) => {
    const value = valueAt(from, path.trim());
    if (typeof value === 'string' || typeof value === 'number') return String(value);
    throw new DataError(
      'bad-record',
      `field ${quote(path.trim())} of ${from.where} is not a string, which a template of columns needs`,
      'repair the record, or change the template',
    );
  });
}
