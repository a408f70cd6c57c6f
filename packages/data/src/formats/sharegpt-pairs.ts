import { turnsField } from '../conversations/messages.js';
import { readPair } from '../conversations/pair.js';
import { idOf } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** A conversation of ShareGPT with two responses, each one message `{ from, value }`. */
export const shareGptPairs: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ conversations, chosen, rejected }',
  fits: (from) => hasFields(from, 'conversations', 'chosen', 'rejected'),
  read(from) {
    const field = 'conversations';
    const prompt = { field, turns: turnsField(from, field) };
    return { id: idOf(from), ...readPair(from, { prompt, chosen: 'chosen', rejected: 'rejected' }) };
  },
};
