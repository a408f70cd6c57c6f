import { randomUUID } from 'node:crypto';
import { TokenizeError } from '../error.js';
import { type Trim, type Trims, trimText } from '../prompts/trim.js';

/** A rendered conversation without its texts: `pieces[0] slots[0] pieces[1] slots[1] ...` */
export interface Outline {
  /** Text of the template. There is one piece more than there are slots. */
  readonly pieces: readonly string[];
  readonly slots: readonly Slot[];
}

/** Where a message's text goes. */
export interface Slot {
  /** Index of the message. */
  readonly message: number;
  /** What the template takes away from the ends of the text. */
  readonly trims: Trims;
}

/** Texts that stand for those of messages while a template is rendered. */
export interface Placeholders {
  /** The text of each message, once for each rendering that {@link findSlots} compares. An empty text stays empty. */
  readonly contents: readonly (readonly string[])[];
  /** Matches a placeholder without the white space around it; the group is the index of the message. */
  readonly pattern: RegExp;
  /** Occurs in every placeholder and nowhere else. */
  readonly nonce: string;
}

/**
 * White space around a placeholder, for two renderings. What a template leaves of it tells how it trims, also where the
 * template has white space of its own beside it: that is the same in both renderings, and what is left of these is not.
 * Their inner characters differ, and trimming newlines shortens each by another number: 1 and 0 left, 0 and 2 right.
 */
const probes = [
  { left: '\n \t', right: '\t\n ' },
  { left: ' \n\v', right: '\v \n\n' },
] as const;

/** Characters that templates escape, split at or replace when they do more than pass a text on. */
const sensitive = '<&"\'\\> \n\n{é}';

/** @param empty whether each message has no text; a template may treat such a message differently */
export function makePlaceholders(empty: readonly boolean[]): Placeholders {
  const nonce = randomUUID().replaceAll('-', '');
  const quoted = sensitive.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return {
    contents: probes.map(({ left, right }) =>
      empty.map((none, index) => (none ? '' : `${left}${nonce}:${index}${sensitive}${nonce}${right}`)),
    ),
    pattern: new RegExp(`${nonce}:(\\d+)${quoted}${nonce}`, 'g'),
    nonce,
  };
}

/**
 * Finds in the renderings what belongs to the template, where the texts of the messages stand, and how they are
 * trimmed.
 *
 * @param roles the role of each message, for errors
 * @throws TokenizeError `template-unsupported` for a template that leaves out, repeats or changes a text
 */
export function findSlots(
  renderings: readonly string[],
  { contents, pattern, nonce }: Placeholders,
  roles: readonly string[],
): Outline {
  const name = (index: number) => `the text of message ${index + 1} (${roles[index]})`;
  // Splitting with a group gives: gap, index, gap, index, ..., gap
  const splits = renderings.map((text) => text.split(pattern));
  const [first = [], second = []] = splits.map((split) => split.filter((_, index) => index % 2 === 1));
  const counts = new Map<string, number>();
  for (const index of first) counts.set(index, (counts.get(index) ?? 0) + 1);
  for (const [index, content] of contents[0]!.entries()) {
    const count = counts.get(String(index)) ?? 0;
    if (content === '' || count === 1) continue;
    throw unsupported(count === 0 ? `leaves out or changes ${name(index)}` : `repeats ${name(index)}`);
  }
  if (renderings.some((text) => text.replace(pattern, '').includes(nonce))) {
    throw unsupported('uses a part of the text of a message');
  }
  const gaps = splits.map((split) => split.filter((_, index) => index % 2 === 0));
  const messages = first.map(Number);
  const found = gaps[0]!.map((_, index) => {
    const [before, after] = [index > 0, index < messages.length];
    const pair = gaps.map((gap) => gap[index] ?? '');
    const solution = first.join() === second.join() ? solveGap(pair, before, after) : undefined;
    if (solution) return solution;
    const near = [...(before ? [messages[index - 1]!] : []), ...(after ? [messages[index]!] : [])];
    const what = near.length === 0 ? 'the conversation' : near.map(name).join(' or ');
    throw unsupported(`does more to ${what} than trim newlines or white space`);
  });
  return {
    pieces: found.map(({ piece }) => piece),
    slots: messages.map((message, index) => ({
      message,
      trims: { start: found[index]!.start, end: found[index + 1]!.end },
    })),
  };
}

interface Gap {
  /** How the text before the gap is trimmed. */
  readonly end: Trim;
  readonly piece: string;
  /** How the text after the gap is trimmed. */
  readonly start: Trim;
}

const modes: readonly Trim[] = ['none', 'newlines', 'all'];

/** The only way in which the same piece lies between trimmed probes in both renderings, if there is one. */
function solveGap(gaps: readonly string[], before: boolean, after: boolean): Gap | undefined {
  const solutions: Gap[] = [];
  for (const end of before ? modes : modes.slice(0, 1)) {
    for (const start of after ? modes : modes.slice(0, 1)) {
      const pieces = gaps.map((gap, index) => {
        const { left, right } = probes[index]!;
        const head = before ? trimText(right, { start: 'none', end }) : '';
        const tail = after ? trimText(left, { start, end: 'none' }) : '';
        const fits = gap.length >= head.length + tail.length && gap.startsWith(head) && gap.endsWith(tail);
        return fits ? gap.slice(head.length, gap.length - tail.length) : undefined;
      });
      const [piece] = pieces;
      if (piece !== undefined && pieces[1] === piece) solutions.push({ end, piece, start });
    }
  }
  return solutions.length === 1 ? solutions[0] : undefined;
}

function unsupported(what: string): TokenizeError {
  return new TokenizeError(
    'template-unsupported',
    `the chat template ${what}`,
    'Texts are put in after rendering, so a template has to pass each on as it is, trimmed at most. Change the ' +
      'template, or describe its turns with a ChatLayout.',
  );
}
