/** Characters that a chat template removes from one end of a message's text. */
export type Trim = 'none' | 'newlines' | 'all';

/** Characters that a chat template removes from both ends of a message's text. */
export interface Trims {
  readonly start: Trim;
  readonly end: Trim;
}

/** Whether Python's `str.isspace` holds. Templates are written for Python, and JavaScript's white space differs slightly. */
function isWhiteSpace(char: string): boolean {
  const separator = char >= '\x1c' && char <= '\x1f';
  return separator || char === '\x85' || (char !== '\ufeff' && /\s/.test(char));
}

const IS_REMOVED: Readonly<Record<Trim, (char: string) => boolean>> = {
  none: () => false,
  newlines: (char) => char === '\n',
  all: isWhiteSpace,
};

/** Leaves a text as it is. */
export const noTrims: Trims = { start: 'none', end: 'none' };

/** Trims a text as the template does. */
export function trimText(text: string, { start, end }: Trims): string {
  let from = 0;
  while (from < text.length && IS_REMOVED[start](text.charAt(from))) from++;
  let to = text.length;
  while (to > from && IS_REMOVED[end](text.charAt(to - 1))) to--;
  return text.slice(from, to);
}
