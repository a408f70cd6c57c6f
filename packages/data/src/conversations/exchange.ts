import { type Answer, type Prompt, plainAnswer, plainPrompt } from '@gram/base';
import { badField } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { withContext } from './context.js';
import { answerField, promptField } from './messages.js';

/**
 * Reads a prompt and its response from two fields, with the columns `system` and `history`.
 *
 * @throws {DataError} `bad-record`, also for a response that does not begin and end with a turn of the assistant
 */
export function readExchange(
  from: FileRecord,
  prompt: string,
  response: string,
): { readonly prompt: Prompt; readonly response: Answer } {
  const turns = answerField(from, response);
  if (turns[0]?.role !== 'assistant' || turns.at(-1)?.role !== 'assistant') {
    throw badField(from, response, 'a response that begins and ends with a turn of the assistant');
  }
  return {
    prompt: plainPrompt(withContext(from, promptField(from, prompt))),
    response: plainAnswer(turns),
  };
}
