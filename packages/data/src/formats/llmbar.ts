import { badField, idOf, numberField, textField } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** LLMBar, and what its authors publish with it; the label, 1 or 2, names the better output. */
export const llmbar: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ input, output_1, output_2, label }',
  fits: (from) => hasFields(from, 'input', 'output_1', 'output_2', 'label'),
  read(from) {
    const label = numberField(from, 'label');
    if (label !== 1 && label !== 2) throw badField(from, 'label', '1 or 2');
    return {
      id: idOf(from),
      prompt: textField(from, 'input'),
      chosen: textField(from, `output_${label}`),
      rejected: textField(from, `output_${3 - label}`),
    };
  },
};
