import { badField, idOf, numberField, optionalText, textField } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** Stanford's SHP: a post of Reddit and two comments; the label is 1 where comment A is preferred, and 0 where B is. */
export const shp: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ history, human_ref_A, human_ref_B, labels }',
  fits: (from) => hasFields(from, 'history', 'human_ref_A', 'human_ref_B'),
  read(from) {
    const label = numberField(from, 'labels');
    if (label !== 0 && label !== 1) throw badField(from, 'labels', '0 or 1');
    const [a, b] = [textField(from, 'human_ref_A'), textField(from, 'human_ref_B')];
    const [chosen, rejected] = label === 1 ? [a, b] : [b, a];
    // A post has many pairs, so its id names no record.
    return {
      id: idOf(from),
      prompt: textField(from, 'history'),
      chosen,
      rejected,
      family: optionalText(from, 'domain'),
    };
  },
};
