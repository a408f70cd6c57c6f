import { printable } from './printable.js';

const MAX_CHARACTERS = 200;

/**
 * Quotes a value that came from outside for a message: as JSON on one line, with escapes for all that a terminal would
 * act on. The result has at most 200 characters; a longer one is cut and ends in `...`.
 *
 * @example
 * ```ts
 * throw new BaseError('bad-values', `there is no model ${quote(name)}`, 'check the name');
 * ```
 */
export function quote(value: unknown): string {
  // More than fits would only be escaped to be cut.
  const short = typeof value === 'string' ? value.slice(0, MAX_CHARACTERS) : value;
  const text = printable(JSON.stringify(short) ?? String(short));
  const isCut = text.length > MAX_CHARACTERS || short !== value;
  if (!isCut) return text;
  const end = typeof value === 'string' ? '..."' : '...';
  return wholeCharacters(text, MAX_CHARACTERS - end.length) + end;
}

const CHARACTER = /\\u[0-9a-f]{4}|\\.|./gsu;

/** The start of an escaped text with at most `limit` characters, which does not end within an escape or a pair. */
function wholeCharacters(escaped: string, limit: number): string {
  let end = 0;
  for (const { index, 0: character } of escaped.matchAll(CHARACTER)) {
    if (index + character.length > limit) break;
    end = index + character.length;
  }
  return escaped.slice(0, end);
}
