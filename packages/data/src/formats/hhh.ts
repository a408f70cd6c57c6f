import { idOf, textField } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

/** Reads HHH alignment's `{ subset, prompt, chosen, rejected }`; the subset is the family. */
export function hhh(from: FileRecord): PreferencePair {
  return {
    id: idOf(from),
    prompt: textField(from, 'prompt'),
    chosen: textField(from, 'chosen'),
    rejected: textField(from, 'rejected'),
    family: textField(from, 'subset'),
  };
}
