import type { Tool, Turn } from '@gram/base';
import { badField, textField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { parsedJson } from './messages.js';

/** The columns of a system message. */
const SYSTEM_COLUMNS = ['system', 'system_prompt'] as const;

/**
 * Adds what the columns `system` and `history` say to the turns of a record: the system message first, then the earlier
 * exchanges, a list of `[question, answer]`. A conversation that begins with the same system message keeps it once.
 *
 * @throws {DataError} `bad-record`, also where the conversation has another system message
 */
export function withContext(from: FileRecord, turns: readonly Turn[]): readonly Turn[] {
  const before = historyField(from);
  const column = SYSTEM_COLUMNS.find((name) => !isMissing(valueAt(from, name)));
  if (column === undefined) return [...before, ...turns];
  const content = textField(from, column);
  const [first] = turns;
  if (first?.role !== 'system') return [{ role: 'system', content }, ...before, ...turns];
  if (first.content !== content) {
    throw badField(from, column, 'the system message with which the conversation begins');
  }
  return [first, ...before, ...turns.slice(1)];
}

/**
 * Reads the column `tools`: a list of descriptions, or its JSON as a text. An empty list is none.
 *
 * @throws {DataError} `bad-record`
 */
export function toolsField(from: FileRecord): { readonly tools?: readonly Tool[] } {
  const value = valueAt(from, 'tools');
  if (isMissing(value)) return {};
  const refuse = () => badField(from, 'tools', 'a list of descriptions of tools');
  const list = typeof value === 'string' ? parsedJson(value, refuse) : value;
  if (!Array.isArray(list) || !list.every(isObject)) throw refuse();
  return list.length === 0 ? {} : { tools: list };
}

function historyField(from: FileRecord): Turn[] {
  const value = valueAt(from, 'history');
  if (isMissing(value)) return [];
  if (!Array.isArray(value)) throw badField(from, 'history', 'a list of questions with their answers');
  return value.flatMap((exchange, index) => {
    if (!Array.isArray(exchange) || exchange.length !== 2) {
      throw badField(from, `history.${index}`, 'a question and an answer');
    }
    return [
      { role: 'user', content: textField(from, `history.${index}.0`) },
      { role: 'assistant', content: textField(from, `history.${index}.1`) },
    ];
  });
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function isObject(value: unknown): value is Tool {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
