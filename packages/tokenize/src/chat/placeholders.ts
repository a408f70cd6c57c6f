import { TokenizeError } from '../error.js';
import { type Trim, type Trims, trimText } from '../prompts/trim.js';
import type { ConversationText } from './conversation-texts.js';
import { type Placeholders, PROBES, SENSITIVE } from './stand-ins.js';

/** A rendered conversation without its texts: `pieces[0] slots[0] pieces[1] slots[1] ...` */
export interface Outline {
  /** The texts of the template. There is one more piece than there are slots. */
  readonly pieces: readonly string[];
  readonly slots: readonly Slot[];
}

/** The place of a text of the conversation. */
export interface Slot {
  /** Index of the text among those that were taken out of the conversation. */
  readonly text: number;
  /** Index of its message; undefined for a text of a tool. */
  readonly message: number | undefined;
  /** Characters that the template removes from the ends of the text. */
  readonly trims: Trims;
  /** Whether the template writes the text as JSON does, without the quotation marks around it. */
  readonly isJson: boolean;
}

/** A placeholder that a rendering holds. */
interface Found {
  readonly text: number;
  readonly isJson: boolean;
  /** Whether the white space of the placeholder, or what is left of it, stands around it. */
  readonly hasProbes: boolean;
}

/** The text of a template around placeholders. */
interface Split {
  /** There is one more gap than there are placeholders. */
  readonly gaps: readonly string[];
  readonly found: readonly Found[];
}

/**
 * Finds in the renderings what belongs to the template, where the texts of the conversation are, and how they are written.
 *
 * @param leavesOutReasoning whether the template may leave out reasoning, as it knows what that is
 * @throws {TokenizeError} `template-unsupported` for a template that leaves out, repeats or changes a text
 */
export function findSlots(
  renderings: readonly string[],
  { contents, nonce }: Placeholders,
  texts: readonly ConversationText[],
  leavesOutReasoning = false,
): Outline {
  const splits = renderings.map((text, index) => split(text, nonce, contents[index] ?? [], texts));
  const [first = { gaps: [], found: [] }, second = first] = splits;
  checkCounts(first.found, texts, leavesOutReasoning);
  if (splits.some(({ gaps }) => gaps.some((gap) => gap.includes(nonce)))) {
    throw unsupported('uses a part of the text of a message');
  }
  const isSame = JSON.stringify(first.found) === JSON.stringify(second.found);
  if (!isSame && isReordered(first.found, second.found)) throw sorts();
  const gaps = first.gaps.map((gap, index) => {
    const [before, after] = [first.found[index - 1], first.found[index]];
    const pair = [gap, second.gaps[index] ?? ''];
    const solution = isSame
      ? solveGap(pair, before?.hasProbes ?? false, after?.hasProbes ?? false)
      : undefined;
    if (solution) return solution;
    const near = [before, after].flatMap((each) =>
      each === undefined ? [] : (texts[each.text]?.name ?? []),
    );
    const what = near.length === 0 ? 'the conversation' : near.join(' or ');
    throw unsupported(`does more to ${what} than trim newlines or white space`);
  });
  return {
    pieces: gaps.map(({ piece }) => piece),
    slots: first.found.map(({ text, isJson }, index) => ({
      text,
      message: texts[text]?.message,
      trims: { start: gaps[index]?.start ?? 'none', end: gaps[index + 1]?.end ?? 'none' },
      isJson,
    })),
  };
}

function checkCounts(
  found: readonly Found[],
  texts: readonly ConversationText[],
  leavesOutReasoning: boolean,
): void {
  const counts = new Map<number, number>();
  for (const { text } of found) counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const [index, { kind, name, isRequired }] of texts.entries()) {
    const count = counts.get(index) ?? 0;
    const mayBeMissing = !isRequired || (kind === 'reasoning' && leavesOutReasoning);
    if (count === 0 && !mayBeMissing) throw unsupported(`leaves out or changes ${name}`);
    if (count > 1 && kind !== 'data') throw unsupported(`repeats ${name}`);
  }
}

/** Whether two renderings hold the same texts in another order: the placeholders of both sort in opposite ways. */
function isReordered(first: readonly Found[], second: readonly Found[]): boolean {
  const texts = (found: readonly Found[]) => found.map(({ text }) => text).sort((a, b) => a - b);
  return texts(first).join() === texts(second).join();
}

/** Splits a rendering at its placeholders. */
function split(
  rendering: string,
  nonce: string,
  contents: readonly string[],
  texts: readonly ConversationText[],
): Split {
  const marked = contents.reduce((text, content, index) => {
    // JSON writes the white space of a placeholder in another way, so it is taken with it.
    const json = jsonInner(content);
    const found = json === content ? text : text.replaceAll(json, `${nonce}:${index}J${nonce}`);
    return isData(texts[index]) ? found.replaceAll(content, `${nonce}:${index}D${nonce}`) : found;
  }, rendering);
  const quoted = SENSITIVE.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const gaps: string[] = [];
  const found: Found[] = [];
  let from = 0;
  for (const match of marked.matchAll(new RegExp(`${nonce}:(\\d+)(J|D|${quoted})${nonce}`, 'g'))) {
    gaps.push(marked.slice(from, match.index));
    from = match.index + match[0].length;
    const text = Number(match[1]);
    const isJson = match[2] === 'J';
    found.push({ text, isJson, hasProbes: !isJson && !isData(texts[text]) });
  }
  gaps.push(marked.slice(from));
  return { gaps, found };
}

function isData(text: ConversationText | undefined): boolean {
  return text?.kind === 'data';
}

/** A text as JSON writes it, without the quotation marks. */
export function jsonInner(text: string): string {
  return JSON.stringify(text).slice(1, -1);
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

function sorts(): TokenizeError {
  return new TokenizeError(
    'template-unsupported',
    'the chat template sorts names or texts of tools or of calls in an order that it cannot see',
    'leave out the sorting from the template or the tools from the conversation; names in lower case are sorted among themselves',
  );
}
