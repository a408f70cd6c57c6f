import { randomUUID } from 'node:crypto';
import { TokenizeError } from '../error.js';
import { type Trim, type Trims, trimText } from '../prompts/trim.js';

/** A rendered conversation without its texts: `pieces[0] slots[0] pieces[1] slots[1] ...` */
export interface Outline {
  /** The texts of the template. There is one more piece than there are slots. */
  readonly pieces: readonly string[];
  readonly slots: readonly Slot[];
}

/** The place of a message's text. */
export interface Slot {
  /** Index of the message. */
  readonly message: number;
  /** Characters that the template removes from the ends of the text. */
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
 * The white space around a placeholder, for two renderings. What a template leaves of it shows how it trims, even where the
 * template has white space of its own beside it: that is the same in both renderings, and what remains of these is not.
 * Their inner characters differ, and trimming newlines shortens each by another number: 1 and 0 left, 0 and 2 right.
 */
const PROBES = [
  { left: '\n \t', right: '\t\n ' },
  { left: ' \n\v', right: '\v \n\n' },
] as const;

/** Characters that templates escape, split at or replace when they do more than pass a text on. */
const SENSITIVE = '<&"\'\\> \n\n{é}';

/**
 * Makes placeholders for the texts of a conversation.
 *
 * @param empty whether each message has no text; a template may treat such a message differently
 */
export function makePlaceholders(empty: readonly boolean[]): Placeholders {
  const nonce = randomUUID().replaceAll('-', '');
  const quoted = SENSITIVE.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return {
    contents: PROBES.map(({ left, right }) =>
      empty.map((none, index) => (none ? '' : `${left}${nonce}:${index}${SENSITIVE}${nonce}${right}`)),
    ),
    pattern: new RegExp(`${nonce}:(\\d+)${quoted}${nonce}`, 'g'),
    nonce,
  };
}

/**
 * Finds in the renderings what belongs to the template, where the texts of the messages are, and how they are trimmed.
 *
 * @param roles the role of each message, for errors
 * @throws {TokenizeError} `template-unsupported` for a template that leaves out, repeats or changes a text
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
  const [originals = []] = contents;
  for (const [index, content] of originals.entries()) {
    const count = counts.get(String(index)) ?? 0;
    if (content === '' || count === 1) continue;
    throw unsupported(count === 0 ? `leaves out or changes ${name(index)}` : `repeats ${name(index)}`);
  }
  if (renderings.some((text) => text.replace(pattern, '').includes(nonce))) {
    throw unsupported('uses a part of the text of a message');
  }
  const gaps = splits.map((split) => split.filter((_, index) => index % 2 === 0));
  const messages = first.map(Number);
  const [firstGaps = []] = gaps;
  const found = firstGaps.map((_, index) => {
    const [before, after] = [index > 0, index < messages.length];
    const pair = gaps.map((gap) => gap[index] ?? '');
    const solution = first.join() === second.join() ? solveGap(pair, before, after) : undefined;
    if (solution) return solution;
    const near = messages.slice(Math.max(0, index - 1), index + 1);
    const what = near.length === 0 ? 'the conversation' : near.map(name).join(' or ');
    throw unsupported(`does more to ${what} than trim newlines or white space`);
  });
  return {
    pieces: found.map(({ piece }) => piece),
    slots: messages.map((message, index) => ({
      message,
      trims: { start: found[index]?.start ?? 'none', end: found[index + 1]?.end ?? 'none' },
    })),
  };
}

interface Gap {
  /** Characters that are trimmed from the end of the text before the gap. */
  readonly end: Trim;
  readonly piece: string;
  /** Characters that are trimmed from the start of the text after the gap. */
  readonly start: Trim;
}

const MODES: readonly Trim[] = ['none', 'newlines', 'all'];

/** Finds the only way in which the same piece lies between trimmed probes in both renderings, if there is one. */
function solveGap(gaps: readonly string[], before: boolean, after: boolean): Gap | undefined {
  const solutions: Gap[] = [];
  for (const end of before ? MODES : MODES.slice(0, 1)) {
    for (const start of after ? MODES : MODES.slice(0, 1)) {
      const pieces = PROBES.map(({ left, right }, index) => {
        const gap = gaps[index] ?? '';
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
    'change the template so that it passes each text on as it is, at most trimmed, as texts are inserted after rendering; ' +
      'or describe its turns with a ChatLayout',
  );
}
