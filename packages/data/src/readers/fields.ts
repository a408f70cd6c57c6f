import { DataError } from '../error.js';
import type { FileRecord } from './records.js';

/** A field that must be a string. */
export function textField(from: FileRecord, name: string): string {
  const value = valueAt(from, name);
  if (typeof value !== 'string') throw badField(from, name, 'a string');
  return value;
}

/** A field that must be a number. */
export function numberField(from: FileRecord, name: string): number {
  const value = valueAt(from, name);
  if (typeof value !== 'number') throw badField(from, name, 'a number');
  return value;
}

/** A field that may be missing or of another type. */
export function optionalText(from: FileRecord, name: string): string | undefined {
  const value = valueAt(from, name);
  return typeof value === 'string' ? value : undefined;
}

/** The id of a record, or the position in the file where it has none. */
export function idOf(from: FileRecord, name = 'id'): string {
  const value = valueAt(from, name);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : String(from.number);
}

/** One turn of a conversation. */
export interface Message {
  readonly role: string;
  readonly content: string;
}

/** A field that must be a list of messages with a role and a content, at least one. */
export function messagesField(from: FileRecord, name: string): Message[] {
  const value = valueAt(from, name);
  if (!Array.isArray(value) || value.length === 0) throw badField(from, name, 'a list of messages');
  return value.map((_, at) => ({
    role: textField(from, `${name}.${at}.role`),
    content: textField(from, `${name}.${at}.content`),
  }));
}

const speakers: Readonly<Record<string, string>> = {
  user: 'Human',
  assistant: 'Assistant',
  system: 'System',
};

/** A conversation as one prompt: a single user message as it is, else turns marked `Human:` and `Assistant:`. */
export function conversationText(messages: readonly Message[]): string {
  const [first] = messages;
  if (messages.length === 1 && first?.role === 'user') return first.content;
  const speaker = (role: string) => (Object.hasOwn(speakers, role) ? speakers[role] : role);
  return messages.map(({ role, content }) => `${speaker(role)}: ${content}`).join('\n\n');
}

/** The value of a field; `chosen.answer` is the field `answer` of the field `chosen`. */
export function valueAt({ record }: FileRecord, path: string): unknown {
  let value: unknown = record;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

export function badField({ where }: FileRecord, name: string, wanted: string): DataError {
  return new DataError(
    'bad-record',
    `field "${name}" of ${where} is not ${wanted}`,
    'Repair the record, or check that the format is the right one for this file.',
  );
}
