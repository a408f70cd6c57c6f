import { type Choice, readChoice } from '../conversations/choice.js';
import { badField, idOf, numberField, optionalText } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** Meaning of the labels of Auto-J. */
const LABELS: readonly Choice[] = ['first', 'second', 'tie'];

/** The pairwise test data of Auto-J: the label is 0 or 1 for the better response, and 2 for a tie. The scenario is the family. */
export const autoJ: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ prompt, "response 1", "response 2", label, scenario? }',
  fits: (from) => hasFields(from, 'prompt', 'response 1', 'response 2', 'label'),
  read(from) {
    const choice = LABELS[numberField(from, 'label')];
    if (choice === undefined) throw badField(from, 'label', '0, 1 or 2');
    const pair = readChoice(from, ['prompt', 'response 1', 'response 2'], choice);
    return pair === 'tie' ? pair : { id: idOf(from), ...pair, family: optionalText(from, 'scenario') };
  },
};
