import { idOf, textField } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** Texts without a prompt. */
export const text: FormatOf<'text'> = {
  holds: 'text',
  fields: '{ text }',
  fits: (from) => hasFields(from, 'text'),
  read: (from) => ({ id: idOf(from), text: textField(from, 'text') }),
};
