import { higher, readChoice } from '../conversations/choice.js';
import { idOf, numberField } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** The preferences of HelpSteer 2; a negative strength prefers the first response, and 0 is a tie. */
export const helpSteer2: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ prompt, response_1, response_2, preference_strength }',
  fits: (from) => hasFields(from, 'prompt', 'response_1', 'response_2', 'preference_strength'),
  read(from) {
    const choice = higher(0, numberField(from, 'preference_strength'));
    const pair = readChoice(from, ['prompt', 'response_1', 'response_2'], choice);
    return pair === 'tie' ? pair : { id: idOf(from), ...pair };
  },
  margin: (from) => Math.abs(numberField(from, 'preference_strength')),
};
