import {
  type Answer,
  answerTurns,
  conversationKey,
  conversationText,
  type Prompt,
  promptTurns,
  type Turn,
  turnText,
} from '@gram/base';
import { badField } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import type { HeldBy } from '../format/format.js';
import type { ResponseList, TextDocument } from '../records.js';
import type { DropReason } from './options.js';

/** Returns a record without its empty parts. */
interface Checked {
  readonly held: HeldBy;
  /** Number of empty responses that were taken out of a list. */
  readonly emptyResponses: number;
}

/**
 * Checks what a record holds: ties, pairs of equal responses, and empty prompts and responses give nothing. Empty responses of a
 * list are taken out of it.
 *
 * @throws {DataError} `bad-record` for what is empty, and for equal responses, where they are to be refused
 */
export function checkHeld(
  held: HeldBy | 'tie',
  from: FileRecord,
  degenerate: 'drop' | 'error',
): Checked | DropReason {
  if (held === 'tie') return held;
  const empty = emptyPart(held);
  if (empty !== undefined && degenerate === 'error') {
    throw badField(from, empty.slice('empty-'.length), 'a text that is not empty');
  }
  if ('responses' in held) return empty === 'empty-prompt' ? empty : withoutEmpty(held);
  if (empty !== undefined) return empty;
  const isEqual = 'chosen' in held && conversationKey(held.chosen) === conversationKey(held.rejected);
  if (isEqual && degenerate === 'error')
    throw badField(from, 'rejected', 'another response than the chosen one');
  return isEqual ? 'equal-responses' : { held, emptyResponses: 0 };
}

function emptyPart(held: HeldBy): 'empty-prompt' | 'empty-response' | undefined {
  if ('text' in held) return held.text.trim() === '' ? 'empty-response' : undefined;
  if (isEmptyPrompt(held.prompt)) return 'empty-prompt';
  return responsesOf(held).some(isEmptyAnswer) ? 'empty-response' : undefined;
}

function withoutEmpty(held: ResponseList): Checked | DropReason {
  const places = held.responses.flatMap((response, at) => (isEmptyAnswer(response) ? [] : [at]));
  if (places.length === 0) return 'empty-response';
  const emptyResponses = held.responses.length - places.length;
  if (emptyResponses === 0) return { held, emptyResponses };
  const keep = <Entry>(list: readonly Entry[]) => list.filter((_, at) => places.includes(at));
  const { rewards } = held;
  return {
    held: { ...held, responses: keep(held.responses), ...(rewards && { rewards: keep(rewards) }) },
    emptyResponses,
  };
}

/** Whether a prompt says nothing beside its system message. */
function isEmptyPrompt(prompt: Prompt): boolean {
  return promptTurns(prompt).every((turn) => turn.role === 'system' || isEmpty(turn));
}

/** Whether a response ends with a turn that says nothing and calls nothing, whatever was thought before. */
function isEmptyAnswer(response: Answer): boolean {
  return answerTurns(response)
    .slice(-1)
    .some(({ reasoning_content: _, ...said }) => isEmpty(said));
}

function isEmpty(turn: Turn): boolean {
  return turnText(turn).trim() === '';
}

/** The responses of a record. */
function responsesOf(held: Exclude<HeldBy, TextDocument>): readonly Answer[] {
  if ('chosen' in held) return [held.chosen, held.rejected];
  if ('responses' in held) return held.responses;
  return 'response' in held ? [held.response] : [];
}

/** Shortest prompt, in characters, whose repetition is called one: a response to "Hi" may well begin with "Hi". */
const SHORTEST_REPEATED = 8;

/** Whether each response begins with the prompt, which is of some length, and goes on. */
export function repeatsPrompt(held: HeldBy): boolean {
  if ('text' in held) return false;
  const [prompt, responses] = [conversationText(held.prompt).trim(), responsesOf(held)];
  if (prompt.length < SHORTEST_REPEATED || responses.length === 0) return false;
  return responses.every((response) => {
    const text = conversationText(response).trim();
    return text.startsWith(prompt) && text.length > prompt.length;
  });
}
