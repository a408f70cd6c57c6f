import { promptField } from '../conversations/messages.js';
import { readPair } from '../conversations/pair.js';
import { badField, familyOf, idOf, numberField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';
import type { PreferencePair } from '../records.js';

/**
 * The plain form `{ prompt?, chosen, rejected, system?, tools?, margin?, id?, family? }`, in which for instance Skywork's
 * preferences and the evaluation data of GRAM are published. Prompt and responses are texts, messages or lists of messages;
 * without a prompt the responses are whole conversations. `subset` counts as the family.
 */
export const preference: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ prompt?, chosen, rejected }',
  fits: (from) => hasFields(from, 'chosen', 'rejected'),
  read: preferencePair,
  margin(from) {
    if (!hasFields(from, 'margin')) return undefined;
    const margin = numberField(from, 'margin');
    if (!(margin >= 0)) throw badField(from, 'margin', 'a number of 0 or more');
    return margin;
  },
};

/** Reads the pair of a record in the plain form. */
export function preferencePair(from: FileRecord): PreferencePair {
  const field = 'prompt';
  const prompt =
    (valueAt(from, field) ?? null) === null ? undefined : { field, turns: promptField(from, field) };
  return {
    id: idOf(from),
    ...readPair(from, { prompt, chosen: 'chosen', rejected: 'rejected' }),
    family: familyOf(from),
  };
}
