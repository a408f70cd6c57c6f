import { quote, readTurns } from '@gram/base';
import { RewardError } from './error.js';

/**
 * Checks that the fields of all items are texts or conversations, because the types of a caller in JavaScript promise
 * nothing. Half of a surrogate pair is no character: a tokenizer would see something else than was given.
 *
 * @param items what a caller gave; named in errors by `id`, else by its position
 * @param fields names of the fields that every item must have, such as `prompt`, `a` and `b`
 * @throws {RewardError} `bad-values`
 */
export function checkTexts(items: unknown, fields: readonly string[]): void {
  if (!Array.isArray(items)) throw bad(`${quote(items)} is not a list of items`);
  const list: readonly unknown[] = items;
  for (const [index, item] of list.entries()) {
    if (typeof item !== 'object' || item === null)
      throw bad(`item ${index} is ${quote(item)} and not an object`);
    const values: Readonly<Record<string, unknown>> = { ...item };
    const name = typeof values.id === 'string' ? values.id : `item ${index}`;
    for (const field of fields) checkText(values[field], `${field} of ${name}`);
  }
}

/**
 * Checks that a value is a text or the turns of a conversation, see {@link checkTexts}.
 *
 * @param where names the value in errors
 */
export function checkText(value: unknown, where: string): void {
  if (typeof value === 'string') {
    checkCharacters(value, where);
    return;
  }
  if (!Array.isArray(value)) throw bad(`${where} is ${quote(value)} and neither a text nor a list of turns`);
  const turns = readTurns(value, (path, wanted) =>
    bad(`${where} is not a conversation: ${path === '' ? 'it' : path} is not ${wanted}`),
  );
  for (const { content } of turns) if (content !== null) checkCharacters(content, where);
}

function checkCharacters(text: string, where: string): void {
  if (!text.isWellFormed()) throw bad(`${where} holds half of a surrogate pair: ${quote(text)}`);
}

function bad(message: string): RewardError {
  return new RewardError('bad-values', message, 'give texts, or lists of { role, content }');
}
