import type { Turn } from '@gram/base';
import { textField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';

/**
 * Reads the user's turn of an `instruction` with its `input`, which follows after a blank line where it is not empty.
 *
 * @throws {DataError} `bad-record`
 */
export function instructionTurns(from: FileRecord): readonly Turn[] {
  const instruction = textField(from, 'instruction');
  const input = (valueAt(from, 'input') ?? '') === '' ? '' : textField(from, 'input');
  return [{ role: 'user', content: input === '' ? instruction : `${instruction}\n\n${input}` }];
}
