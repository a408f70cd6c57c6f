import { turnsField } from '../conversations/messages.js';
import { readPair } from '../conversations/pair.js';
import { idOf, optionalText } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** The pairs of RMB. */
export const rmb: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ pair_uid, subset, conversation_input, chosen: { answer }, reject: { answer } }',
  fits: (from) => hasFields(from, 'conversation_input', 'chosen', 'reject'),
  read(from) {
    const field = 'conversation_input';
    const prompt = { field, turns: turnsField(from, field) };
    return {
      id: idOf(from, 'pair_uid'),
      ...readPair(from, { prompt, chosen: 'chosen.answer', rejected: 'reject.answer' }),
      family: optionalText(from, 'subset'),
    };
  },
};
