import { quote } from '@gram/base';
import { TokenizeError } from '../error.js';
import type { Span } from '../library.js';
import { type EncodeFormOptions, encodeForm, type Filled, trimmedForm } from './encode-form.js';
import { fitAlike } from './fit.js';
import type { Form } from './form.js';

/** Treatment of a conversation that is too long: it is refused, or the user text in it is shortened. */
export type Overlong = 'error' | 'truncate';

/** Tools and settings of filling forms. */
export interface FillOptions extends EncodeFormOptions {
  readonly maxLength: number;
  readonly overlong: Overlong;
  /** Name of the record, for errors; or one for each form. */
  readonly id?: string | undefined | readonly (string | undefined)[];
}

/**
 * Fills forms that belong together, such as the two orders of a comparison, or one prompt with each of two responses. Where one
 * of them does not fit and `overlong` is `truncate`, all are cut alike: responses keep their start and the prompt, which is the
 * same in all, keeps its end, which holds the latest turn and usually the question; see {@link fitAlike}.
 *
 * Texts are trimmed, cut, escaped and then encoded, so that neither a marker nor a control token can come out of a cut.
 *
 * @throws {TokenizeError} `too-long`, `template-too-long`
 */
export async function fillForms<const Forms extends readonly Form[]>(
  given: Forms,
  options: FillOptions,
): Promise<{ [Index in keyof Forms]: Filled }> {
  const forms = given.map(trimmedForm);
  const whole = await Promise.all(forms.map((form) => encodeWhole(form, options)));
  // One result for each form, which TypeScript does not follow through an array.
  return (await fitted(forms, whole, options)) as { [Index in keyof Forms]: Filled };
}

/** Cuts forms, or refuses them, where one of them does not fit. */
async function fitted(
  forms: readonly Form[],
  whole: readonly Filled[],
  options: FillOptions,
): Promise<readonly Filled[]> {
  const { maxLength, overlong, id } = options;
  const lengths = whole.map(({ ids }) => ids.length);
  const needed = Math.max(0, ...lengths);
  if (needed <= maxLength) return whole;
  if (overlong === 'error') {
    await roomFor(forms, whole, options);
    const name = typeof id === 'object' ? id[lengths.indexOf(needed)] : id;
    throw new TokenizeError(
      'too-long',
      `${name === undefined ? 'the record' : `record ${quote(name)}`} needs ${needed} tokens and ${maxLength} are allowed`,
      'raise maxLength, drop the record, or set overlong to "truncate"',
    );
  }
  return cutForms(forms, whole, options);
}

function encodeWhole(form: Form, options: FillOptions): Promise<Filled> {
  return encodeForm(form, form.texts.map(uncut), options);
}

/**
 * Number of ids by which the two orders of a comparison may differ. Tokens cross the boundaries of the four places where answers
 * begin and end, and change by few.
 */
const ORDERS_DIFFER = 16;

/**
 * Fills the two orders of a comparison. Where both are not needed, the second one is left out, unless one of them could be too long,
 * so that both are cut alike, or refused.
 */
export async function fillOrders(
  [first, second]: readonly [Form, Form],
  { needsBoth, ...options }: FillOptions & { readonly needsBoth: boolean },
): Promise<readonly [Filled, Filled | undefined]> {
  const form = trimmedForm(first);
  const filled = await encodeWhole(form, options);
  if (!needsBoth && filled.ids.length <= options.maxLength - ORDERS_DIFFER) return [filled, undefined];
  const other = trimmedForm(second);
  const [kept = filled, swapped] = await fitted(
    [form, other],
    [filled, await encodeWhole(other, options)],
    options,
  );
  return [kept, swapped];
}

async function cutForms(forms: readonly Form[], whole: readonly Filled[], options: FillOptions) {
  const { measured, room: wanted } = await roomFor(forms, whole, options);
  let room = wanted;
  for (;;) {
    checkRoom(room, forms, options);
    const cuts = cutsFor(forms, measured, room);
    const filled = await Promise.all(
      forms.map((form, index) => encodeForm(form, cuts[index] ?? form.texts.map(uncut), options)),
    );
    const over = Math.max(...filled.map(({ ids }) => ids.length)) - options.maxLength;
    // What is left of texts may need more tokens than it had among the others, and escapes need some.
    if (over <= 0) return filled.map((each) => ({ ...each, truncated: true }));
    room -= over;
  }
}

/** The tokens of each text of each form, and the number of tokens that the templates leave for texts. */
async function roomFor(forms: readonly Form[], whole: readonly Filled[], options: FillOptions) {
  const { tokenizer, maxLength } = options;
  // The forms of a comparison have the same texts.
  const spans = new Map<string, Promise<readonly Span[]>>();
  const spansOf = (text: string) => {
    const found = spans.get(text) ?? tokenizer.spans(text);
    spans.set(text, found);
    return found;
  };
  const measured = await Promise.all(forms.map(({ texts }) => Promise.all(texts.map(spansOf))));
  const templates = forms.map(({ prompt, responses }, index) => {
    const used = [...prompt, ...responses.flat()];
    const count = used.reduce((sum, text) => sum + (measured[index]?.[text]?.length ?? 0), 0);
    return (whole[index]?.ids.length ?? 0) - count;
  });
  const room = maxLength - Math.max(...templates);
  checkRoom(room, forms, options);
  return { measured, room };
}

function checkRoom(room: number, forms: readonly Form[], { maxLength }: FillOptions): void {
  // Every response keeps at least one token, and a prompt alone needs room for one.
  if (forms.every(({ responses }) => room > responses.length)) return;
  throw new TokenizeError(
    'template-too-long',
    `maxLength ${maxLength} has no room for text: the template alone takes ${maxLength - room} tokens`,
    'raise maxLength, or use a shorter judging prompt or chat layout',
  );
}

/** Cuts the texts of forms to a number of tokens. */
function cutsFor(
  forms: readonly Form[],
  measured: readonly (readonly (readonly Span[])[])[],
  room: number,
): Span[][] {
  const count = (form: number, texts: readonly number[]) =>
    texts.reduce((sum, text) => sum + (measured[form]?.[text]?.length ?? 0), 0);
  const prompt = Math.max(...forms.map((form, index) => count(index, form.prompt)));
  const kept = fitAlike(
    room,
    prompt,
    forms.map(({ responses }, index) => responses.map((texts) => count(index, texts))),
  );
  return forms.map((form, index) => {
    const cuts: Span[] = form.texts.map(uncut);
    let left = kept.prompt;
    for (const text of form.prompt.toReversed()) {
      const spans = measured[index]?.[text] ?? [];
      cuts[text] = endOfText(form.texts[text] ?? '', spans, left);
      left = Math.max(0, left - spans.length);
    }
    for (const [number, response] of form.responses.entries()) {
      let rest = kept.responses[index]?.[number] ?? 0;
      for (const text of response) {
        const spans = measured[index]?.[text] ?? [];
        cuts[text] = startOfText(form.texts[text] ?? '', spans, rest);
        rest = Math.max(0, rest - spans.length);
      }
    }
    return cuts;
  });
}

/** The start of a text that has a number of tokens, without a part of a character. */
function startOfText(text: string, spans: readonly Span[], kept: number): Span {
  return { start: 0, end: spans[kept]?.start ?? text.length };
}

/** The end of a text that has a number of tokens, without a part of a character. */
function endOfText(text: string, spans: readonly Span[], kept: number): Span {
  let first = Math.max(0, spans.length - kept);
  if (first === 0) return uncut(text);
  // Tokens of one character have one place.
  while (first < spans.length && (spans[first]?.start ?? 0) < (spans[first - 1]?.end ?? 0)) first++;
  return { start: spans[first]?.start ?? text.length, end: text.length };
}

function uncut(text: string): Span {
  return { start: 0, end: text.length };
}
