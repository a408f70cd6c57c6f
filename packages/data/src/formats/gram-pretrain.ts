import { hasMarkedAnswers, readMarkedAnswers } from '../conversations/gram.js';
import { idOf } from '../files/fields.js';
import type { FormatOf } from '../format/format.js';

/** The authors' data for the pre-training of GRAM: a question, and two answers between marks. */
export const gramPretrain: FormatOf<'list'> = {
  holds: 'list',
  fields: '{ instruction: "[User Question] ...", output } with two answers between the marks of GRAM',
  fits: hasMarkedAnswers,
  read: (from) => ({ id: idOf(from), ...readMarkedAnswers(from) }),
};
