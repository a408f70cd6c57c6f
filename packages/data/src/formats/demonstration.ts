import { toolsField } from '../conversations/context.js';
import { readExchange } from '../conversations/exchange.js';
import { familyOf, idOf } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { firstField, hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * A prompt with its response, which may be called `completion`. Both are texts, messages or lists of messages; `system` and
 * `tools` are used, and `subset` counts as the family.
 */
export const demonstration: FormatOf<'demonstration'> = {
  holds: 'demonstration',
  fields: '{ prompt, response } or { prompt, completion }',
  fits: (from) => hasFields(from, 'prompt') && responseOf(from) !== undefined,
  read: (from) => ({
    id: idOf(from),
    ...readExchange(from, 'prompt', responseOf(from) ?? 'response'),
    ...toolsField(from),
    family: familyOf(from),
  }),
};

function responseOf(from: FileRecord): string | undefined {
  return firstField(from, ['response', 'completion']);
}
