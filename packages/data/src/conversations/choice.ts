import { plainPrompt } from '@gram/base';
import { textField } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import type { PreferencePair } from '../records.js';
import { withContext } from './context.js';
import { promptField } from './messages.js';

/** Which of two responses is better. */
export type Choice = 'first' | 'second' | 'tie';

/**
 * Reads a prompt and two texts of which one is better.
 *
 * @param fields names of the fields of the prompt and of the first and the second response
 * @throws {DataError} `bad-record`
 */
export function readChoice(
  from: FileRecord,
  fields: readonly [prompt: string, first: string, second: string],
  choice: Choice,
): Pick<PreferencePair, 'prompt' | 'chosen' | 'rejected'> | 'tie' {
  const [field, first, second] = fields;
  const prompt = plainPrompt(withContext(from, promptField(from, field)));
  const responses = [textField(from, first), textField(from, second)] as const;
  if (choice === 'tie') return 'tie';
  const [chosen, rejected] = choice === 'first' ? responses : [responses[1], responses[0]];
  return { prompt, chosen, rejected };
}

/** Says which of two numbers is higher. */
export function higher(first: number, second: number): Choice {
  return first > second ? 'first' : first < second ? 'second' : 'tie';
}
