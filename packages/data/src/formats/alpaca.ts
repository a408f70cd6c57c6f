import { idOf, textField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { Demonstration } from '../records.js';

/** Reads Alpaca's `{ instruction, input?, output }`; an input that is not empty follows after a blank line. */
export function alpaca(from: FileRecord): Demonstration {
  const instruction = textField(from, 'instruction');
  const input = (valueAt(from, 'input') ?? '') === '' ? '' : textField(from, 'input');
  return {
    id: idOf(from),
    prompt: input === '' ? instruction : `${instruction}\n\n${input}`,
    response: textField(from, 'output'),
  };
}
