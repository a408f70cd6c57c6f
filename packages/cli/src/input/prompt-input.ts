import { type Answer, type Prompt, plainAnswer, type Tool } from '@gram/base';
import { answerField, DataError, readPrompts, readRecords } from '@gram/data';
import { CliError } from '../error.js';
import type { Flags } from '../flags.js';

/** Flags of the commands that read one prompt. */
export const promptFlags = {
  prompt: { value: 'TEXT', help: 'the prompt, as one turn of a user' },
  'prompt-file': {
    value: 'FILE',
    help: 'the prompt as a conversation: a file with one record, { "prompt": MESSAGES } or { "messages" }, with "system" and "tools" where there are any',
  },
} as const satisfies Flags;

/** A prompt with the tools that the assistant may call. */
export interface PromptInput {
  readonly prompt: Prompt;
  readonly tools?: readonly Tool[] | undefined;
}

/**
 * Reads the prompt of a command from one of its flags.
 *
 * @throws {CliError} `usage` for none or both of them; {DataError} for a file that does not hold one prompt
 */
export async function readPrompt(
  command: string,
  {
    prompt,
    'prompt-file': file,
  }: { readonly prompt?: string | undefined; readonly 'prompt-file'?: string | undefined },
): Promise<PromptInput> {
  if ((prompt === undefined) === (file === undefined)) {
    throw new CliError(
      'usage',
      `${command} needs one prompt`,
      'give either --prompt TEXT or --prompt-file FILE',
    );
  }
  if (file === undefined) return { prompt: prompt ?? '' };
  const found: PromptInput[] = [];
  for await (const record of readPrompts(file, { degenerate: 'error' })) found.push(record);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new DataError('bad-record', `${file} holds ${found.length} prompts`, 'give a file with one record');
}

/**
 * Reads responses from a file, one record `{ "response": TEXT }` each, or with the messages of a response.
 *
 * @throws {DataError}
 */
export async function readResponses(path: string): Promise<Answer[]> {
  const responses: Answer[] = [];
  for await (const from of readRecords(path)) responses.push(plainAnswer(answerField(from, 'response')));
  return responses;
}

/** Says what happened to the texts of a comparison, one sentence each. */
export function flagSentences(flags: {
  readonly truncated: boolean;
  readonly neutralized: boolean;
}): string[] {
  return [
    ...(flags.truncated ? ['text was cut to fit the model'] : []),
    ...(flags.neutralized ? ['marks of the prompt in the texts were escaped'] : []),
  ];
}
