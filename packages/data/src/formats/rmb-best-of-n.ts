import { plainPrompt } from '@gram/base';
import { turnsField } from '../conversations/messages.js';
import { entriesOf } from '../conversations/ranked.js';
import { idOf, optionalText, textField } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** The lists of RMB: one response that is better than each of the others, which are not ranked among themselves. */
export const rmbBestOfN: FormatOf<'ranking'> = {
  holds: 'ranking',
  fields: '{ bon_uid, subset, conversation_input, bon_best: { answer }, loser_list: [{ answer }] }',
  fits: (from) => hasFields(from, 'conversation_input', 'bon_best', 'loser_list'),
  read(from) {
    const losers = entriesOf(from, 'loser_list').map((path) => textField(from, `${path}.answer`));
    return {
      id: idOf(from, 'bon_uid'),
      prompt: plainPrompt(turnsField(from, 'conversation_input')),
      responses: [textField(from, 'bon_best.answer'), ...losers],
      rewards: [1, ...losers.map(() => 0)],
      family: optionalText(from, 'subset'),
    };
  },
};
