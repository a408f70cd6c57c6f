import { toolsField, withContext } from '../conversations/context.js';
import { turnsField } from '../conversations/messages.js';
import { splitDemonstration } from '../conversations/split.js';
import { familyOf, idOf, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { firstField } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** Names of the list of a whole conversation. */
const LISTS = ['messages', 'conversations', 'conversation'] as const;

/**
 * A whole conversation: OpenAI's `messages`, or ShareGPT's `conversations`. The turns of the assistant at its end, with those of
 * the tools that it calls, are the response; earlier answers are context.
 */
export const messages: FormatOf<'demonstration'> = {
  holds: 'demonstration',
  fields: '{ messages } or { conversations }',
  fits(from) {
    const field = firstField(from, LISTS);
    if (field === undefined) return false;
    const turns: unknown = valueAt(from, field);
    // A conversation that waits for an answer is a prompt.
    const last: unknown = Array.isArray(turns) ? turns.at(-1) : undefined;
    return typeof last === 'object' && last !== null && !isOf(last, ['user', 'human']);
  },
  read: (from) => ({
    id: idOf(from),
    ...readConversation(from),
    ...toolsField(from),
    family: familyOf(from),
  }),
};

/** Reads a whole conversation as a prompt and its response. */
export function readConversation(from: FileRecord): ReturnType<typeof splitDemonstration> {
  const field = firstField(from, LISTS) ?? LISTS[0];
  return splitDemonstration(from, { field, turns: withContext(from, turnsField(from, field)) });
}

function isOf(message: object, speakers: readonly string[]): boolean {
  return ['role', 'from'].some((name) => speakers.includes(Reflect.get(message, name)));
}
