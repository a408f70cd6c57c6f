/** What a chat template takes away from one end of a message's text. */
export type Trim = 'none' | 'newlines' | 'all';

/** What a chat template takes away from both ends of a message's text. */
export interface Trims {
  readonly start: Trim;
  readonly end: Trim;
}

/** Python's `str.isspace`, as templates are written for Python: JavaScript's white space is a little different. */
function isWhiteSpace(char: string): boolean {
  const separator = char >= '\x1c' && char <= '\x1f';
  return separator || char === '\x85' || (char !== '\ufeff' && /\s/.test(char));
}

const taken: Record<Trim, (char: string) => boolean> = {
  none: () => false,
  newlines: (char) => char === '\n',
  all: isWhiteSpace,
};

/** Leaves a text as it is. */
export const noTrims: Trims = { start: 'none', end: 'none' };

/** The text as the template leaves it. */
export function trimText(text: string, { start, end }: Trims): string {
  let from = 0;
  while (from < text.length && taken[start](text[from]!)) from++;
  let to = text.length;
  while (to > from && taken[end](text[to - 1]!)) to--;
  return text.slice(from, to);
}
