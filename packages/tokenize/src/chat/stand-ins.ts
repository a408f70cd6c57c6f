import { randomBytes, randomUUID } from 'node:crypto';
import type { ConversationText } from './conversation-texts.js';

/** Texts that stand for those of a conversation while a template is rendered. */
export interface Placeholders {
  /** The stand-in of each text, once for each rendering that `findSlots` compares. */
  readonly contents: readonly (readonly string[])[];
  /** Occurs in every placeholder but those of ids, and nowhere else. */
  readonly nonce: string;
}

/**
 * The white space around a placeholder, for two renderings. What a template leaves of it shows how it trims, even where the
 * template has white space of its own beside it: that is the same in both renderings, and what remains of these is not.
 * Their inner characters differ, and trimming newlines shortens each by another number: 1 and 0 left, 0 and 2 right.
 */
export const PROBES = [
  { left: '\n \t', right: '\t\n ' },
  { left: ' \n\v', right: '\v \n\n' },
] as const;

/** Characters that templates escape, split at or replace when they do more than pass a text on. */
export const SENSITIVE = '<&"\'\\> \n\n{é}';

/**
 * Makes placeholders for the texts of a conversation. Those of data have no white space around them. An id that is one word has a
 * word of the same length in its place, as templates check lengths.
 */
export function makePlaceholders(texts: readonly ConversationText[]): Placeholders {
  const nonce = randomUUID().replaceAll('-', '');
  const ranks = nameRanks(texts);
  return {
    contents: PROBES.map(({ left, right }, rendering) =>
      texts.map((text, index) => {
        const core = `${nonce}:${index}${SENSITIVE}${nonce}`;
        if (text.kind !== 'data') return left + core + right;
        if (isWordId(text)) return wordLike(text.value, index, rendering > 0);
        return signOf({ index, rank: ranks.get(index), count: texts.length }, rendering > 0) + core;
      }),
    ),
    nonce,
  };
}

/** Tells conversations apart whose placeholders are not alike, because their names sort in another order or their ids are longer. */
export function standInShape(texts: readonly ConversationText[]): readonly unknown[] {
  const lengths = texts.map((text) => (isWordId(text) ? text.value.length : 0));
  return [[...nameRanks(texts)], lengths.some((length) => length > 0) ? lengths : []];
}

/**
 * The places of names among each other, where sorting with regard to case and without agree on them. Python sorts by code points,
 * which is the order of ASCII in JavaScript too.
 */
function nameRanks(texts: readonly ConversationText[]): ReadonlyMap<number, number> {
  const names = [...texts.entries()].filter(([, { isName }]) => isName === true);
  names.sort(([, a], [, b]) => (a.value < b.value ? -1 : 1));
  const isClear = names.every(([, { value }], rank) => {
    const before = names[rank - 1]?.[1].value;
    const isAscii = /^[\x20-\x7e]*$/.test(value);
    return isAscii && (before === undefined || before.toLowerCase() < value.toLowerCase());
  });
  return new Map(isClear ? names.map(([index], rank) => [index, rank]) : []);
}

/**
 * The start of a placeholder, by which it sorts. Names sort as they truly do. Whatever else a template may sort has opposite orders
 * in the two renderings, so that it is found out: data, names beside data, and both beside the words of schemas, which stay as
 * they are and begin with letters before z.
 */
function signOf(
  {
    index,
    rank,
    count,
  }: { readonly index: number; readonly rank: number | undefined; readonly count: number },
  isSecond: boolean,
): string {
  const [first, second] = rank === undefined ? [count + index, count - index] : [rank, 2 * count + rank];
  const place = isSecond ? second : first;
  return `${isSecond ? 'z' : '0'}${String(place).padStart(6, '0')}`;
}

/** Lengths of ids that are replaced by a word of their length: shorter words could occur by chance, and longer ones are no ids. */
const ID_LENGTHS = { least: 8, most: 64 } as const;

const WORD_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function isWordId({ isId, value }: ConversationText): boolean {
  const { length } = value;
  return isId === true && length >= ID_LENGTHS.least && length <= ID_LENGTHS.most && /^[\w-]+$/.test(value);
}

/** A word that cannot be foreseen, with letters of both cases, which sorts in opposite ways in the two renderings. */
function wordLike({ length }: string, index: number, isSecond: boolean): string {
  const place = (isSecond ? 36 ** 3 - 1 - (index % 36 ** 3) : index % 36 ** 3).toString(36).padStart(3, '0');
  const rest = Array.from(
    randomBytes(length - 5),
    (byte) => WORD_CHARACTERS[byte % WORD_CHARACTERS.length] ?? '',
  );
  return `${place}aZ${rest.join('')}`;
}
