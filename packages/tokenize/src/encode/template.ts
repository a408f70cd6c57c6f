import { quote } from '@gram/base';
import { TokenizeError } from '../error.js';
import type { Tokenizer } from '../library.js';
import type { ChatLayout } from '../prompts/chat-layout.js';
import type { JudgePrompt } from '../prompts/judge-prompt.js';
import { noTrims, type Trims, trimText } from '../prompts/trim.js';
import { fitAlternatives, fitLengths, type Kept } from './fit.js';

/**
 * The ids of the fixed text of one kind of conversation. User texts, the prompt first, stand between the pieces:
 * `pieces[0] prompt pieces[1] response pieces[2] ...`
 */
export interface Template {
  readonly pieces: readonly (readonly number[])[];
  /** Sum of the lengths of the pieces. */
  readonly length: number;
  /** Number of ids of `pieces[1]` before the boundary that {@link fillTemplate} reports. */
  readonly boundary: number;
  /** Whether the last piece ends the assistant's turn, which a response that was cut does not reach. */
  readonly endsTurn: boolean;
  /** Characters that are trimmed from each user text before it is inserted. */
  readonly trims: readonly Trims[];
}

/** Treatment of a conversation that is too long: it is refused, or the user text in it is shortened. */
export type Overlong = 'error' | 'truncate';

/** Compiles the judging prompt up to the assistant's start; the label follows. The boundary is the first answer's text. */
export async function comparisonTemplate(
  tokenizer: Tokenizer,
  { instruction, question, answers: [a, b], between, tail }: JudgePrompt,
  chat: ChatLayout,
): Promise<Template> {
  const turn = trimTurn(chat.trims?.user, instruction + question.start, b.end + tail);
  return compile(
    tokenizer,
    [
      [chat.bos + chat.userStart + turn.head],
      [question.end + a.start],
      [a.end + between + b.start],
      [turn.tail + chat.userEnd + chat.assistantStart],
    ],
    { trims: [turn.first, noTrims, turn.last] },
  );
}

/** Compiles the question and both answers in one turn. The boundary is the first token of that turn. */
export async function responsePairTemplate(
  tokenizer: Tokenizer,
  { question, answers: [a, b], between }: JudgePrompt,
  chat: ChatLayout,
): Promise<Template> {
  const asked = trimTurn(chat.trims?.user, question.start, question.end);
  const answered = trimTurn(chat.trims?.assistant, a.start, b.end);
  return compile(
    tokenizer,
    [
      [chat.bos + chat.userStart + asked.head],
      [asked.tail + chat.userEnd + chat.assistantStart, answered.head],
      [a.end + between + b.start],
      [answered.tail + chat.end],
    ],
    {
      trims: [{ start: asked.first.start, end: asked.last.end }, answered.first, answered.last],
      endsTurn: true,
    },
  );
}

/** Compiles the user's turn up to the assistant's start, which a policy continues. The boundary is the end. */
export async function promptTemplate(tokenizer: Tokenizer, chat: ChatLayout): Promise<Template> {
  return compile(tokenizer, [[chat.bos + chat.userStart], [chat.userEnd + chat.assistantStart]], {
    trims: [chat.trims?.user ?? noTrims],
  });
}

/** Compiles the conversation of a prompt and its response. The boundary is the first token of the response. */
export async function responseTemplate(tokenizer: Tokenizer, chat: ChatLayout): Promise<Template> {
  return compile(tokenizer, [[chat.bos + chat.userStart], [chat.userEnd + chat.assistantStart], [chat.end]], {
    trims: [chat.trims?.user ?? noTrims, chat.trims?.assistant ?? noTrims],
    endsTurn: true,
  });
}

/**
 * Trims a turn whose fixed text `head` and `tail` stand around user texts. Where trimming leaves nothing of one of
 * them, the text next to it is trimmed as well: `first` at its start, `last` at its end.
 */
function trimTurn({ start, end }: Trims = noTrims, head: string, tail: string) {
  const kept = {
    head: trimText(head, { start, end: 'none' }),
    tail: trimText(tail, { start: 'none', end }),
  };
  const first: Trims = kept.head === '' ? { start, end: 'none' } : noTrims;
  const last: Trims = kept.tail === '' ? { start: 'none', end } : noTrims;
  return { ...kept, first, last };
}

/** Encodes pieces, each a list of texts that are encoded apart. The boundary lies after the first text of the second one. */
async function compile(
  tokenizer: Tokenizer,
  texts: readonly (readonly string[])[],
  { trims, endsTurn = false }: Pick<Template, 'trims'> & Partial<Pick<Template, 'endsTurn'>>,
): Promise<Template> {
  const encoded = await Promise.all(
    texts.map((piece) => Promise.all(piece.map((text) => tokenizer.encodeTemplate(text)))),
  );
  const pieces = encoded.map((piece) => piece.flat());
  return {
    pieces,
    length: pieces.reduce((sum, piece) => sum + piece.length, 0),
    boundary: encoded[1]?.[0]?.length ?? 0,
    endsTurn,
    trims,
  };
}

/** The ids of a template with user text in it. */
export interface Filled {
  readonly ids: number[];
  readonly truncated: boolean;
  /** Index in `ids` of the template's boundary. */
  readonly boundary: number;
}

/** Limits of {@link fillTemplate}. */
export interface FillOptions {
  readonly maxLength: number;
  readonly overlong: Overlong;
  /** Name of the record, for errors. */
  readonly id?: string | undefined;
}

/**
 * Inserts user texts into a template. Where they do not fit and `overlong` is `truncate`, responses keep their start and
 * the prompt keeps its end, which holds the latest turn and usually the question; see {@link fitLengths}.
 *
 * @throws {TokenizeError} `too-long`, `template-too-long`
 */
export function fillTemplate(
  template: Template,
  prompt: readonly number[],
  responses: readonly (readonly number[])[],
  options: FillOptions,
): Filled {
  const lengths = responses.map((response) => response.length);
  const room = roomIn(template, responses.length, options);
  checkLength(
    lengths.reduce((sum, length) => sum + length, template.length + prompt.length),
    options,
  );
  return insert(template, prompt, responses, fitLengths(room, prompt.length, lengths));
}

/**
 * Inserts the prompt and each of two responses into a template of its own. Where one of them does not fit, both keep the same
 * prompt; see {@link fitAlternatives}.
 *
 * @throws {TokenizeError} `too-long`, `template-too-long`
 */
export function fillAlternatives(
  template: Template,
  prompt: readonly number[],
  responses: readonly [readonly number[], readonly number[]],
  options: FillOptions,
): [Filled, Filled] {
  const [first, second] = responses;
  const room = roomIn(template, 1, options);
  checkLength(template.length + prompt.length + Math.max(first.length, second.length), options);
  const kept = fitAlternatives(room, prompt.length, [first.length, second.length]);
  const [keptFirst = 0, keptSecond = 0] = kept.responses;
  return [
    insert(template, prompt, [first], { prompt: kept.prompt, responses: [keptFirst] }),
    insert(template, prompt, [second], { prompt: kept.prompt, responses: [keptSecond] }),
  ];
}

/** The number of tokens that a template leaves for user texts. */
function roomIn({ length }: Template, responses: number, { maxLength }: FillOptions): number {
  const room = maxLength - length;
  // Every text keeps at least one token, so a prompt alone needs room for one.
  if (room > responses) return room;
  throw new TokenizeError(
    'template-too-long',
    `maxLength ${maxLength} has no room for text: the template alone takes ${length} tokens`,
    'raise maxLength, or use a shorter judging prompt or chat layout',
  );
}

function checkLength(needed: number, { maxLength, overlong, id }: FillOptions): void {
  if (needed <= maxLength || overlong === 'truncate') return;
  throw new TokenizeError(
    'too-long',
    `${id === undefined ? 'the record' : `record ${quote(id)}`} needs ${needed} tokens and ${maxLength} are allowed`,
    'raise maxLength, drop the record, or set overlong to "truncate"',
  );
}

function insert(
  { pieces, boundary, endsTurn }: Template,
  prompt: readonly number[],
  responses: readonly (readonly number[])[],
  kept: Kept,
): Filled {
  const [head = [], middle = [], ...rest] = pieces;
  const parts = [head, prompt.slice(prompt.length - kept.prompt), middle];
  let truncated = kept.prompt < prompt.length;
  for (const [index, response] of responses.entries()) {
    const length = kept.responses[index] ?? 0;
    const isCut = length < response.length;
    truncated ||= isCut;
    parts.push(response.slice(0, length));
    // Whoever learns to write it would learn to stop in the middle of a sentence.
    const isEnd = endsTurn && index === responses.length - 1;
    if (!(isCut && isEnd)) parts.push(rest[index] ?? []);
  }
  return { ids: parts.flat(), truncated, boundary: head.length + kept.prompt + boundary };
}
