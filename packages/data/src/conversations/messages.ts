import { promptTurns, type RefuseValue, readTurns, type ToolCall, type Turn } from '@gram/base';
import { badField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';

/** Fields of published messages that say where a message is from. No model reads them. */
const ORIGINS = [
  'id',
  'model',
  'language',
  'num_tokens',
  'timestamp',
  'country',
  'hashed_ip',
  'header',
  'state',
  'redacted',
  'toxic',
  'turn_identifier',
] as const;

/** The speakers of ShareGPT, `function_call` apart. */
const SPEAKERS: Readonly<Record<string, string>> = {
  system: 'system',
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  chatgpt: 'assistant',
  bing: 'assistant',
  bard: 'assistant',
  assistant: 'assistant',
  tool: 'tool',
  observation: 'tool',
};

/**
 * Reads a field that must be a list of at least one message: `{ role, content }` with the further fields of `Turn`, or
 * ShareGPT's `{ from, value }`.
 *
 * @param name name of the field, or its path as in `info.messages`
 * @throws {DataError} `bad-record`, for instance for a part that is not text and for a field that a turn cannot keep
 */
export function turnsField(from: FileRecord, name: string): Turn[] {
  return readMessages(from, valueAt(from, name), (path) => (path === '' ? name : `${name}.${path}`));
}

/**
 * Reads a prompt: a text, which is one turn of a user, one message, or a list of them.
 *
 * @throws {DataError} `bad-record`
 */
export function promptField(from: FileRecord, name: string): readonly Turn[] {
  return textOrTurns(from, name, promptTurns);
}

/**
 * Reads a response: a text, which is one turn of an assistant, one message, or a list of them. A list may also be the whole
 * conversation.
 *
 * @throws {DataError} `bad-record`
 */
export function answerField(from: FileRecord, name: string): readonly Turn[] {
  return textOrTurns(from, name, (content) => [{ role: 'assistant', content }]);
}

function textOrTurns(
  from: FileRecord,
  name: string,
  turnsOf: (text: string) => readonly Turn[],
): readonly Turn[] {
  const value = valueAt(from, name);
  if (typeof value === 'string') return turnsOf(value);
  if (Array.isArray(value)) return turnsField(from, name);
  if (typeof value !== 'object' || value === null)
    throw badField(from, name, 'a string or a list of messages');
  return readMessages(from, [value], (path) => [name, ...path.split('.').slice(1)].join('.'));
}

/** Reads a list of messages; errors name a value by its path inside of the list, made whole by a function. */
function readMessages(from: FileRecord, value: unknown, fieldAt: (path: string) => string): Turn[] {
  const list: unknown = Array.isArray(value)
    ? value.map((message: unknown, at) =>
        fromShareGpt(message, (path, wanted) => badField(from, fieldAt(`${at}.${path}`), wanted)),
      )
    : value;
  return readTurns(list, (path, wanted) => badField(from, fieldAt(path), wanted), ORIGINS);
}

/** A message of ShareGPT as one with a role and a content; other values as they are. */
function fromShareGpt(message: unknown, refuse: RefuseValue): unknown {
  if (typeof message !== 'object' || message === null || !('from' in message)) return message;
  const { from: speaker, value, ...rest } = message as Readonly<Record<string, unknown>>;
  if (typeof value !== 'string') throw refuse('value', 'a string');
  if (speaker === 'function_call') {
    const calls = callsOf(value, () => refuse('value', 'the JSON of a call of a tool'));
    return { ...rest, role: 'assistant', content: null, tool_calls: calls };
  }
  const role =
    typeof speaker === 'string' && Object.hasOwn(SPEAKERS, speaker) ? SPEAKERS[speaker] : undefined;
  if (role !== undefined) return { ...rest, role, content: value };
  throw refuse('from', `one of ${Object.keys(SPEAKERS).join(', ')}, function_call`);
}

/** The calls of a `function_call`: the JSON of one `{ name, arguments }`, or of a list of them. */
function callsOf(text: string, refuse: () => Error): Pick<ToolCall, 'function'>[] {
  const called = parsedJson(text, refuse);
  const list: readonly unknown[] = Array.isArray(called) ? called : [called];
  // `readTurns` checks what a call holds.
  return list.map((call) => ({ function: call as ToolCall['function'] }));
}

/** Parses JSON that a field holds as a text. */
export function parsedJson(text: string, refuse: () => Error): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse();
  }
}
