import { type Answer, conversationKey, type Prompt, quote, type Tool, type Turn } from '@gram/base';
import { badField } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { toolsField, withContext } from './context.js';
import { answerField } from './messages.js';
import { type Conversation, splitPair } from './split.js';

/** The names of the fields of a pair. */
export interface PairFields {
  /** The prompt; undefined where each response is a whole conversation. */
  readonly prompt: Conversation | undefined;
  readonly chosen: string;
  readonly rejected: string;
}

/** A prompt with a better and a worse response. */
export interface ReadPair {
  readonly prompt: Prompt;
  readonly tools?: readonly Tool[];
  readonly chosen: Answer;
  readonly rejected: Answer;
}

/**
 * Reads two responses, each a text, a message, a list of messages or a whole conversation, with the columns `system`, `history`
 * and `tools`.
 *
 * @throws {DataError} `bad-record`
 */
export function readPair(from: FileRecord, fields: PairFields): ReadPair {
  const { prompt, responses } = splitPair(
    from,
    wholeConversation(from, fields.chosen, fields.prompt),
    wholeConversation(from, fields.rejected, fields.prompt),
  );
  return { prompt, ...toolsField(from), chosen: responses[0], rejected: responses[1] };
}

/** The conversation up to the end of a response. */
function wholeConversation(from: FileRecord, field: string, prompt: Conversation | undefined): Conversation {
  const answer = answerField(from, field);
  if (prompt === undefined) return { field, turns: withContext(from, answer) };
  if (answer[0]?.role === 'assistant') {
    return { field, turns: [...withContext(from, prompt.turns), ...answer] };
  }
  if (hasPrompt(answer, prompt.turns)) return { field, turns: withContext(from, answer) };
  throw badField(from, field, `a conversation with the prompt of ${quote(prompt.field)}`);
}

/** Whether a conversation holds a prompt: a turn of the user with its text, or all of its turns at the start. */
function hasPrompt(turns: readonly Turn[], prompt: readonly Turn[]): boolean {
  const [only] = prompt;
  if (prompt.length === 1 && only?.role === 'user') {
    return turns.some(({ role, content }) => role === 'user' && content?.trim() === only.content?.trim());
  }
  return conversationKey(turns.slice(0, prompt.length)) === conversationKey(prompt);
}
