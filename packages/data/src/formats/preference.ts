import { badField, idOf, numberField, optionalText, textField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

/** Reads the plain form `{ prompt, chosen, rejected, margin?, id?, family? }`; `subset` counts as the family. */
export function preference(from: FileRecord): PreferencePair {
  return {
    id: idOf(from),
    prompt: textField(from, 'prompt'),
    chosen: textField(from, 'chosen'),
    rejected: textField(from, 'rejected'),
    ...marginField(from),
    family: optionalText(from, 'family') ?? optionalText(from, 'subset'),
  };
}

/** The margin of a record that may state one. */
function marginField(from: FileRecord): { readonly margin?: number } {
  if (valueAt(from, 'margin') === undefined) return {};
  const margin = numberField(from, 'margin');
  if (!(margin >= 0)) throw badField(from, 'margin', 'a number of 0 or more');
  return { margin };
}
