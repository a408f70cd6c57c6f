// Control characters, line separators, what turns the direction of a text around, and halves of surrogate pairs.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Writes a text on one line as a terminal, a log or a reader may safely see it: everything that would move a cursor, end a
 * line or turn the direction of what follows is shown as its escape.
 *
 * @example
 * ```ts
 * printable('a\u001b[2Jb'); // "a\\u001b[2Jb"
 * ```
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? escapeOf(character));
}

/** Writes a text of several lines like {@link printable}; line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    character === '\n' || character === '\t' ? character : (SHORT[character] ?? escapeOf(character)),
  );
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
