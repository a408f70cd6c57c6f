import { idOf, optionalText, textField } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { Demonstration } from '../records.js';

/** Reads the plain form `{ prompt, response, id?, family? }`; `subset` counts as the family. */
export function demonstration(from: FileRecord): Demonstration {
  return {
    id: idOf(from),
    prompt: textField(from, 'prompt'),
    response: textField(from, 'response'),
    family: optionalText(from, 'family') ?? optionalText(from, 'subset'),
  };
}
