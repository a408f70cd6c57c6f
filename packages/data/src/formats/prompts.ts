import { plainPrompt } from '@gram/base';
import { toolsField, withContext } from '../conversations/context.js';
import { instructionTurns } from '../conversations/instruction.js';
import { promptField } from '../conversations/messages.js';
import { familyOf, idOf } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { firstField } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** Prompts without a response: a text, or messages that wait for an answer. */
export const prompts: FormatOf<'prompt'> = {
  holds: 'prompt',
  fields: '{ prompt }, { instruction, input? } or { messages } that end with the user',
  fits: (from) => fieldOf(from) !== undefined,
  read(from) {
    const field = fieldOf(from) ?? 'prompt';
    const turns = field === 'instruction' ? instructionTurns(from) : promptField(from, field);
    return {
      id: idOf(from),
      prompt: plainPrompt(withContext(from, turns)),
      ...toolsField(from),
      family: familyOf(from),
    };
  },
};

function fieldOf(from: FileRecord): string | undefined {
  return firstField(from, ['prompt', 'instruction', 'question', 'messages', 'conversations']);
}
