import { badField, idOf, optionalText, textField, valueAt } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * The questions of MT-Bench and Vicuna, as FastChat has them. The first turn is the prompt: the second one follows an answer. The
 * category is the family.
 */
export const fastChat: FormatOf<'prompt'> = {
  holds: 'prompt',
  fields: '{ question_id, category, turns: [TEXT] }',
  fits: (from) => hasFields(from, 'question_id', 'category', 'turns'),
  read(from) {
    const turns = valueAt(from, 'turns');
    if (!Array.isArray(turns) || turns.length === 0) throw badField(from, 'turns', 'a list of questions');
    return {
      id: idOf(from, 'question_id'),
      prompt: textField(from, 'turns.0'),
      family: optionalText(from, 'category'),
    };
  },
};
