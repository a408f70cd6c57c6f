import { plainAnswer, plainPrompt } from '@gram/base';
import { toolsField, withContext } from '../conversations/context.js';
import { answerField, promptField } from '../conversations/messages.js';
import { splitDemonstration } from '../conversations/split.js';
import { idOf, optionalText } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { Demonstration } from '../records.js';

/**
 * Reads `{ prompt, response, system?, tools?, id?, family? }`. Prompt and response are texts, messages or lists of messages;
 * `subset` counts as the family.
 */
export function demonstration(from: FileRecord): Demonstration {
  const prompt = withContext(from, promptField(from, 'prompt'));
  const answer = answerField(from, 'response');
  // What follows the prompt is the response, even where the prompt ends with a turn of the assistant or of a tool.
  splitDemonstration(from, { field: 'response', turns: [...prompt, ...answer] });
  return {
    id: idOf(from),
    prompt: plainPrompt(prompt),
    response: plainAnswer(answer),
    ...toolsField(from),
    family: optionalText(from, 'family') ?? optionalText(from, 'subset'),
  };
}
