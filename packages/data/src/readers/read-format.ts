import { quote } from '@gram/base';
import { DataError } from '../error.js';

/** The reason why a record gives no pair although nothing is wrong with it. */
export type DropReason = 'tie' | 'equal-responses';

/** Options of the readers. */
export interface ReadOptions {
  /** Called for each record that is left out, with its place and the reason. */
  readonly onDrop?: (where: string, reason: DropReason) => void;
}

/** Whether a table has an entry of its own with this name. */
export function isNameOf<Name extends string>(
  table: Readonly<Record<Name, unknown>>,
  name: string,
): name is Name {
  return Object.hasOwn(table, name);
}

/** Makes the error for a format that no table has. */
export function unknownFormat(format: string, known: readonly string[]): DataError {
  return new DataError('unknown-format', `there is no format ${quote(format)}`, `use ${known.join(', ')}`);
}
