import { jsonInner } from '../chat/placeholders.js';
import type { Segment, Span, Tokenizer } from '../library.js';
import { trimText } from '../prompts/trim.js';
import type { Form, Place } from './form.js';
import type { NeutralText } from './markers.js';

/**
 * Way in which text of a template and of a record become ids. `whole` encodes a conversation at once, as transformers encodes the
 * text of a chat template; tokens cross the boundaries of texts. `apart` encodes each text of the template and of the record for
 * itself.
 */
export type Encoding = 'whole' | 'apart';

/** Tools and settings of encoding a form. */
export interface EncodeFormOptions {
  readonly tokenizer: Tokenizer;
  readonly encoding: Encoding;
  /** Escapes what may not stand in a text of the record. */
  readonly neutralize: (text: string) => NeutralText;
}

/** The ids of a form with its texts in it. */
export interface Filled {
  readonly ids: number[];
  /** Places of the sections that are learned, each from the index of its first id to before the end. */
  readonly learned: readonly Span[];
  readonly truncated: boolean;
  readonly neutralized: boolean;
}

/** Trims the texts of a form as its places say. */
export function trimmedForm(form: Form): Form {
  const texts = [...form.texts];
  for (const { pieces } of form.sections) {
    for (const piece of pieces) {
      if (typeof piece === 'string' || piece.isJson) continue;
      texts[piece.text] = trimText(texts[piece.text] ?? '', piece.trims);
    }
  }
  return { ...form, texts };
}

/** Encodes a form with the part of each text that is kept. */
export async function encodeForm(
  form: Form,
  kept: readonly Span[],
  options: EncodeFormOptions,
): Promise<Filled> {
  let neutralized = false;
  const write = ({ text, trims, isJson }: Place): string => {
    const part = form.texts[text]?.slice(kept[text]?.start, kept[text]?.end) ?? '';
    const written = isJson ? jsonInner(part) : trimText(part, trims);
    const safe = options.neutralize(written);
    neutralized ||= safe.neutralized || options.tokenizer.spellsControl(written);
    return safe.text;
  };
  const last = lastText(form, kept);
  const ids: number[] = [];
  const learned: Span[] = [];
  for (const { pieces, isLearned } of form.sections) {
    const cut = pieces.findIndex((piece) => typeof piece !== 'string' && piece.text === last);
    const segments = pieces
      .slice(0, cut < 0 ? pieces.length : cut + 1)
      .map(
        (piece): Segment =>
          typeof piece === 'string' ? { text: piece, trusted: true } : { text: write(piece), trusted: false },
      );
    const start = ids.length;
    for (const id of await encodeSection(segments, start > 0, options)) ids.push(id);
    if (isLearned) learned.push({ start, end: ids.length });
    if (cut >= 0) break;
  }
  return { ids, learned, truncated: false, neutralized };
}

/**
 * The text after which nothing is written: the first one that was cut in the last response of a turn. Whoever learns to write
 * what follows would learn to stop in the middle of a sentence.
 */
function lastText({ texts, responses, endsTurn }: Form, kept: readonly Span[]): number | undefined {
  if (!endsTurn) return undefined;
  return responses.at(-1)?.find((text) => {
    const { start = 0, end = 0 } = kept[text] ?? {};
    return end - start < (texts[text]?.length ?? 0);
  });
}

async function encodeSection(
  segments: readonly Segment[],
  continues: boolean,
  { tokenizer, encoding }: EncodeFormOptions,
): Promise<readonly number[]> {
  if (encoding === 'whole') return tokenizer.encodeSegments(segments, { continues });
  const joined = joinTrusted(segments);
  const ids = await Promise.all(
    joined.map(({ text, trusted }) => (trusted ? tokenizer.encodeTemplate(text) : tokenizer.encode(text))),
  );
  return joinedIds(ids);
}

/** All ids of lists in one; `flat` of an array takes many times as long. */
function joinedIds(lists: readonly (readonly number[])[]): readonly number[] {
  const all: number[] = [];
  for (const list of lists) for (const id of list) all.push(id);
  return all;
}

/** Joins texts of the template that follow each other. */
function joinTrusted(segments: readonly Segment[]): readonly Segment[] {
  const joined: Segment[] = [];
  for (const segment of segments) {
    const before = joined.at(-1);
    if (before?.trusted && segment.trusted) {
      joined[joined.length - 1] = { text: before.text + segment.text, trusted: true };
    } else joined.push(segment);
  }
  return joined;
}
