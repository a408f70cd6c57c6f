import { promptField } from '../conversations/messages.js';
import { readPair } from '../conversations/pair.js';
import { idOf } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { firstField, hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** The pairs that were made of Orca; the edition of Argilla calls the question `input`. */
export const orca: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ system, question, chosen, rejected }',
  fits: (from) => hasFields(from, 'chosen', 'rejected') && questionOf(from) !== undefined,
  read(from) {
    const field = questionOf(from) ?? 'question';
    const prompt = { field, turns: promptField(from, field) };
    return { id: idOf(from), ...readPair(from, { prompt, chosen: 'chosen', rejected: 'rejected' }) };
  },
};

function questionOf(from: FileRecord): string | undefined {
  return hasFields(from, 'prompt') ? undefined : firstField(from, ['question', 'input']);
}
