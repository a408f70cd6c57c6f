import { badField, idOf, numberField, textField } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

/** Reads LLMBar's `{ input, output_1, output_2, label }`; the label, 1 or 2, names the better output. */
export function llmbar(from: FileRecord): PreferencePair {
  const label = numberField(from, 'label');
  if (label !== 1 && label !== 2) throw badField(from, 'label', '1 or 2');
  return {
    id: idOf(from),
    prompt: textField(from, 'input'),
    chosen: textField(from, `output_${label}`),
    rejected: textField(from, `output_${3 - label}`),
  };
}
