import { turnsField } from '../conversations/messages.js';
import { splitPair } from '../conversations/split.js';
import { idOf, numberField, optionalText } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** Unified-Feedback: two whole conversations with a rating each. Equal ratings are a tie, and the source is the family. */
export const unifiedFeedback: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ conv_A, conv_B, conv_A_rating, conv_B_rating, source? }',
  fits: (from) => hasFields(from, 'conv_A', 'conv_B'),
  read(from) {
    const side = (field: string) => ({ field, turns: turnsField(from, field) });
    const { prompt, responses } = splitPair(from, side('conv_A'), side('conv_B'));
    const [a, b] = [numberField(from, 'conv_A_rating'), numberField(from, 'conv_B_rating')];
    if (a === b) return 'tie';
    const [chosen, rejected] = a > b ? responses : [responses[1], responses[0]];
    return { id: idOf(from), prompt, chosen, rejected, family: optionalText(from, 'source') };
  },
  margin: (from) => Math.abs(numberField(from, 'conv_A_rating') - numberField(from, 'conv_B_rating')),
};
