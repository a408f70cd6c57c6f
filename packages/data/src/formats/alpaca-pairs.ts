import { instructionTurns } from '../conversations/instruction.js';
import { readPair } from '../conversations/pair.js';
import { idOf, valueAt } from '../files/fields.js';
import { firstField, hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * Alpaca's records with two responses, `{ instruction, input?, chosen, rejected }`, or `{ instruction, input?, output: [better,
 * worse] }`; the columns `system`, `history` and `tools` are used. Argilla's edition of UltraFeedback calls the responses
 * `chosen_response` and `rejected_response`.
 */
export const alpacaPairs: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ instruction, input?, chosen, rejected } or { instruction, input?, output: [better, worse] }',
  fits: (from) =>
    hasFields(from, 'instruction') &&
    (firstField(from, ['chosen', 'chosen_response']) !== undefined || Array.isArray(valueAt(from, 'output'))),
  read(from) {
    const prompt = { field: 'instruction', turns: instructionTurns(from) };
    const [chosen, rejected] = Array.isArray(valueAt(from, 'output'))
      ? ['output.0', 'output.1']
      : hasFields(from, 'chosen_response')
        ? ['chosen_response', 'rejected_response']
        : ['chosen', 'rejected'];
    return { id: idOf(from), ...readPair(from, { prompt, chosen, rejected }) };
  },
};
