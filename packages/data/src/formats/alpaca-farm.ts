import { plainPrompt } from '@gram/base';
import { instructionTurns } from '../conversations/instruction.js';
import { badField, idOf, numberField, optionalText, textField } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * The preferences of AlpacaFarm, and the annotations of AlpacaEval: 1 prefers the first output and 2 the second. A weighted
 * annotator gives numbers between, of which the nearer one counts; 0 and 1.5 are ties.
 */
export const alpacaFarm: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ instruction, input?, output_1, output_2, preference }',
  fits: (from) => hasFields(from, 'instruction', 'output_1', 'output_2', 'preference'),
  read(from) {
    const preference = numberField(from, 'preference');
    if (preference !== 0 && !(preference >= 1 && preference <= 2)) {
      throw badField(from, 'preference', '0 or a number from 1 to 2');
    }
    const outputs = [textField(from, 'output_1'), textField(from, 'output_2')] as const;
    const prompt = plainPrompt(instructionTurns(from));
    if (preference === 0 || preference === 1.5) return 'tie';
    const [chosen, rejected] = preference < 1.5 ? outputs : [outputs[1], outputs[0]];
    return { id: idOf(from), prompt, chosen, rejected, family: optionalText(from, 'dataset') };
  },
};
