import { higher, readChoice } from '../conversations/choice.js';
import { idOf, numberField, optionalText } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** The preferences of HelpSteer 3; a negative preference is for the first response, and 0 is a tie. The domain is the family. */
export const helpSteer3: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ context, response1, response2, overall_preference }',
  fits: (from) => hasFields(from, 'context', 'response1', 'response2', 'overall_preference'),
  read(from) {
    const choice = higher(0, numberField(from, 'overall_preference'));
    const pair = readChoice(from, ['context', 'response1', 'response2'], choice);
    return pair === 'tie' ? pair : { id: idOf(from), ...pair, family: optionalText(from, 'domain') };
  },
  margin: (from) => Math.abs(numberField(from, 'overall_preference')),
};
