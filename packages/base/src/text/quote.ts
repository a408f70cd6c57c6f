const MAX_CHARACTERS = 200;

// Beside what JSON escapes: other control characters, line separators and what turns the direction of a text around.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

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
  const text = escapeControls(JSON.stringify(short) ?? String(short));
  const isCut = text.length > MAX_CHARACTERS || short !== value;
  if (!isCut) return text;
  const end = typeof value === 'string' ? '..."' : '...';
  return wholeCharacters(text, MAX_CHARACTERS - end.length) + end;
}

function escapeControls(json: string): string {
  return json.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u${code.toString(16).padStart(4, '0')}`;
  });
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
