import { promptField } from '../conversations/messages.js';
import { readPair } from '../conversations/pair.js';
import { badField, idOf, numberField, optionalText, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

/**
 * Reads `{ prompt?, chosen, rejected, system?, tools?, margin?, id?, family? }`. Prompt and responses are texts, messages or
 * lists of messages; without a prompt the responses are whole conversations. `subset` counts as the family.
 */
export function preference(from: FileRecord): PreferencePair {
  return { ...preferencePair(from), ...marginField(from) };
}

/** The pair without a margin. */
export function preferencePair(from: FileRecord): PreferencePair {
  const field = 'prompt';
  const isGiven = valueAt(from, field) !== undefined && valueAt(from, field) !== null;
  const prompt = isGiven ? { field, turns: promptField(from, field) } : undefined;
  return {
    id: idOf(from),
    ...readPair(from, { prompt, chosen: 'chosen', rejected: 'rejected' }),
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
