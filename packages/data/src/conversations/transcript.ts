import type { Turn } from '@gram/base';
import { badField, textField } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';

const ROLES: Readonly<Record<string, string>> = { Human: 'user', Assistant: 'assistant', System: 'system' };

/** A mark before a turn: at the start of the text, or after a blank line. */
const MARK = /(?:^|\n\n)(Human|Assistant|System):/;

/** Whether a text is a transcript in the form that `transcriptField` reads. */
export function isTranscript(text: unknown): boolean {
  return typeof text === 'string' && /^\s*(Human|System):/.test(text);
}

/**
 * Reads a transcript as Anthropic publishes them, turns that begin with `Human:`, `Assistant:` or `System:` and have blank lines
 * between them. Space around a turn is left out.
 *
 * @throws {DataError} `bad-record`
 */
export function transcriptField(from: FileRecord, name: string): Turn[] {
  const [before = '', ...parts] = textField(from, name).split(MARK);
  if (before.trim() !== '' || parts.length === 0) {
    throw badField(from, name, 'a transcript of turns marked "Human:" and "Assistant:"');
  }
  return parts.flatMap((mark, at) =>
    at % 2 === 0 ? [{ role: ROLES[mark] ?? mark, content: (parts[at + 1] ?? '').trim() }] : [],
  );
}
