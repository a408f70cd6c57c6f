import { hasJudgingPrompt, readJudgingPrompt } from '../conversations/gram.js';
import { badField, idOf, textField } from '../files/fields.js';
import type { FormatOf } from '../format/format.js';

/** The authors' data for the fine-tuning of GRAM: a judging prompt, and the label of the better answer. */
export const gramFinetune: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ instruction, output: "A" or "B" } with a judging prompt of GRAM',
  fits: hasJudgingPrompt,
  read(from) {
    const { prompt, responses } = readJudgingPrompt(from);
    const label = textField(from, 'output').trim();
    if (label !== 'A' && label !== 'B') throw badField(from, 'output', '"A" or "B"');
    const [chosen, rejected] = label === 'A' ? responses : [responses[1], responses[0]];
    return { id: idOf(from), prompt, chosen, rejected };
  },
};
