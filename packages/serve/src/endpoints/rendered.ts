import { HttpError } from '../error.js';
import { turnMarkIn } from './input/texts.js';
import { invalid } from './schemas.js';
import type { Scored, Work } from './scores.js';

/**
 * Reads a conversation that a chat template has written. A text that holds marks of a template is never taken for the text of one
 * turn: it is read by the template of the model, or refused.
 *
 * @param id name of the text, for errors
 * @param prompt the part of the text that was asked, where it is known: all that follows is the response
 * @returns undefined for a text without marks
 * @throws {HttpError} 422
 */
export async function readRendered(
  text: string,
  id: string,
  { parseRendered }: Pick<Work, 'parseRendered'>,
  prompt?: string,
): Promise<Scored | undefined> {
  if (prompt !== undefined && !text.startsWith(prompt)) {
    throw invalid(`${id} does not begin with the entry of prompts at its place`);
  }
  const parsed = await parseRendered?.(text, prompt).catch((error: unknown) => {
    throw unreadable(`${id}: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (parsed !== undefined) return parsed;
  // Marks in a response of which the prompt is known are text that a policy wrote.
  const mark = turnMarkIn(prompt ?? text);
  if (mark === undefined) return undefined;
  throw unreadable(
    `${id} holds "${mark}", with which another chat template than that of the model begins a turn`,
  );
}

function unreadable(message: string): HttpError {
  return new HttpError(
    422,
    'unreadable-template',
    message.slice(0, 300),
    'render conversations by the chat template of the served model, or send their messages',
  );
}
