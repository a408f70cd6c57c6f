import { entriesOf } from '../conversations/ranked.js';
import { splitDemonstration } from '../conversations/split.js';
import { idOf, optionalText, textField } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** Capybara: a conversation of exchanges, of which the last answer is the response. The source is the family. */
export const capybara: FormatOf<'demonstration'> = {
  holds: 'demonstration',
  fields: '{ conversation: [{ input, output }] }',
  fits: (from) => hasFields(from, 'conversation.0.input', 'conversation.0.output'),
  read(from) {
    const field = 'conversation';
    const turns = entriesOf(from, field).flatMap((path) => [
      { role: 'user', content: textField(from, `${path}.input`) },
      { role: 'assistant', content: textField(from, `${path}.output`) },
    ]);
    return {
      id: idOf(from),
      ...splitDemonstration(from, { field, turns }),
      family: optionalText(from, 'source'),
    };
  },
};
