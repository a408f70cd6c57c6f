import { plainPrompt } from '@gram/base';
import { toolsField, withContext } from '../conversations/context.js';
import { instructionTurns } from '../conversations/instruction.js';
import { idOf, textField } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * Alpaca's demonstrations, in which AlpacaFarm and AlpacaEval publish outputs as well. An input that is not empty follows after a
 * blank line; `history` is a list of earlier exchanges, `[question, answer]`.
 */
export const alpaca: FormatOf<'demonstration'> = {
  holds: 'demonstration',
  fields: '{ instruction, input?, output }',
  fits: (from) => hasFields(from, 'instruction', 'output'),
  read: (from) => ({
    id: idOf(from),
    prompt: plainPrompt(withContext(from, instructionTurns(from))),
    response: textField(from, 'output'),
    ...toolsField(from),
  }),
};
