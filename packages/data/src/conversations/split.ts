import {
  type Answer,
  conversationKey,
  type Prompt,
  plainAnswer,
  plainPrompt,
  quote,
  type Turn,
} from '@gram/base';
import { badField } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';

/** A conversation from a field of a record, whose name errors give. */
export interface Conversation {
  readonly field: string;
  readonly turns: readonly Turn[];
}

/** A prompt with two responses. */
export interface SplitPair {
  readonly prompt: Prompt;
  readonly responses: readonly [Answer, Answer];
}

/**
 * Parts two conversations where they differ: the turns that both share are the prompt, and what follows is what is judged. It
 * begins with a turn of the assistant, so a turn of the assistant at the end of what they share belongs to both responses.
 *
 * @throws {DataError} `bad-record` where the prompts differ, where a conversation does not end with a turn of the assistant,
 *   and where there is no prompt before the responses
 */
export function splitPair(from: FileRecord, first: Conversation, second: Conversation): SplitPair {
  checkEnd(from, first);
  checkEnd(from, second);
  let shared = 0;
  while (isSameTurn(first.turns[shared], second.turns[shared])) shared++;
  const parting = [first.turns[shared], second.turns[shared]];
  if (parting.every((turn) => turn !== undefined) && !parting.every(isAssistant)) {
    throw badField(from, second.field, `a conversation with the prompt of ${quote(first.field)}`);
  }
  let start = shared;
  while (isAssistant(first.turns[start - 1])) start--;
  return {
    prompt: promptOf(from, first, start),
    responses: [plainAnswer(first.turns.slice(start)), plainAnswer(second.turns.slice(start))],
  };
}

/**
 * Parts a conversation before its last answer: the turns of the assistant, and of the tools that it calls, after the last turn
 * of anybody else. Earlier answers are part of the prompt.
 *
 * @throws {DataError} `bad-record` where the last turn is not that of the assistant, and where there is no prompt
 */
export function splitDemonstration(
  from: FileRecord,
  conversation: Conversation,
): { readonly prompt: Prompt; readonly response: Answer } {
  checkEnd(from, conversation);
  const { turns } = conversation;
  const start = turns.findLastIndex(({ role }) => role !== 'assistant' && role !== 'tool') + 1;
  return { prompt: promptOf(from, conversation, start), response: plainAnswer(turns.slice(start)) };
}

function promptOf(from: FileRecord, { field, turns }: Conversation, end: number): Prompt {
  if (end < 1) throw badField(from, field, 'a conversation with a prompt before the response');
  return plainPrompt(turns.slice(0, end));
}

function checkEnd(from: FileRecord, { field, turns }: Conversation): void {
  if (isAssistant(turns.at(-1))) return;
  throw badField(from, field, 'a conversation that ends with a turn of the assistant');
}

function isAssistant(turn: Turn | undefined): boolean {
  return turn?.role === 'assistant';
}

function isSameTurn(first: Turn | undefined, second: Turn | undefined): boolean {
  if (first === undefined || second === undefined) return false;
  if (first === second) return true;
  const mayBeSame = first.role === second.role && first.content === second.content;
  return mayBeSame && conversationKey([first]) === conversationKey([second]);
}
