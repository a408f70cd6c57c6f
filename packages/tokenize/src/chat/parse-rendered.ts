import { quote } from '@gram/base';
import { TokenizeError } from '../error.js';
import type { ChatLayout } from './chat-layout.js';
import type { ChatTemplate } from './chat-template.js';
import type { Outline } from './placeholders.js';

/** A turn that is nothing but its text. */
interface TextTurn {
  readonly role: string;
  readonly content: string;
}

/** A conversation that was read from the text that a chat template wrote. */
export interface RenderedConversation {
  /** The turns before the response. */
  readonly prompt: readonly TextTurn[];
  /** The last turn of the assistant; empty for a text that only starts it. */
  readonly response: string;
}

/**
 * Reads a conversation from the text that a chat template wrote, special tokens included.
 *
 * @param prompt the part of the text that was asked, where it is known: all that follows is the response, whatever it holds
 * @returns undefined for a text without any special token of the template
 * @throws {TokenizeError} `not-rendered` for one that has such tokens and is not what the template writes
 */
export type RenderedReader = (text: string, prompt?: string) => Promise<RenderedConversation | undefined>;

/** Texts that a template writes around those of turns. */
interface TurnPieces {
  readonly start: string;
  /** Before and after the text of a system turn; undefined for a template without one. */
  readonly system: readonly [string, string] | undefined;
  /** Between a user's text and that of the assistant: the last answer may begin in another way than earlier ones. */
  readonly toAnswer: readonly string[];
  /** Between an answer and the next text of the user; undefined for a layout of one question. */
  readonly toNext: string | undefined;
}

/**
 * Creates a reader of conversations that the chat template of a model rendered: turns of system, user and assistant, as trainers
 * send them to a reward model. The turns are found by what the template writes around them, and are rendered again: a text
 * is only accepted where the same comes out.
 *
 * @throws {TokenizeError} what `template.outline` throws for one question and one answer
 */
export async function createRenderedReader(chat: ChatLayout): Promise<RenderedReader> {
  const { template } = chat;
  const pieces = template === undefined ? piecesOfLayout(chat) : await piecesOfTemplate(template);
  const { bos_token: bos = chat.bos, ...others } = template?.specialTokens ?? {};
  const tokens = [...new Set([...chat.specialTokens, bos, ...Object.values(others)])].filter(Boolean);
  const isMarked = (text: string) => tokens.some((token) => text.includes(token));
  const ends = new RegExp(`(?:(?:${tokens.map(escapePattern).join('|')})\\s*)+$`);

  /** Parses what the template wrote; `response` is what follows the start of the last answer. */
  async function parse(text: string): Promise<RenderedConversation> {
    // A trainer may have dropped the token that its tokenizer adds again.
    const whole = text.startsWith(bos) ? text : bos + text;
    for (const opening of openings(pieces, whole)) {
      const split = splitTurns(opening, pieces);
      if (split === undefined) continue;
      const { turns, response } = split;
      if (turns.some(({ content }) => isMarked(content))) continue;
      const written = await template?.render(turns);
      if (written === undefined || whole.startsWith(written.map((part) => part.text).join(''))) {
        return { prompt: turns, response };
      }
    }
    throw notRendered(text);
  }

  return async (text, prompt) => {
    if (!isMarked(prompt ?? text)) return undefined;
    const { prompt: turns, response } = await parse(prompt ?? text);
    if (prompt !== undefined) {
      if (response !== '') throw notRendered(prompt);
      return { prompt: turns, response: text.slice(prompt.length).replace(ends, '') };
    }
    const answer = response.replace(ends, '');
    if (isMarked(answer)) throw notRendered(text);
    return { prompt: turns, response: answer };
  };
}

/** A layout without a template. A system turn is a part of the first question in it. */
function piecesOfLayout({ bos, userStart, userEnd, assistantStart, end }: ChatLayout): TurnPieces {
  return {
    start: bos + userStart,
    system: undefined,
    toAnswer: [userEnd + assistantStart],
    toNext: end + userStart,
  };
}

async function piecesOfTemplate(template: ChatTemplate): Promise<TurnPieces> {
  const turn = (role: string) => ({ role, content: 'x' });
  const [user, assistant, system] = ['user', 'assistant', 'system'].map(turn) as [
    TextTurn,
    TextTurn,
    TextTurn,
  ];
  const addGenerationPrompt = true;
  const [asked, answered, longer, instructed] = await Promise.all([
    template.outline([user], { addGenerationPrompt }),
    template.outline([user, assistant]),
    template.outline([user, assistant, user], { addGenerationPrompt }),
    // Templates may refuse a system turn.
    template.outline([system, user], { addGenerationPrompt }).catch(() => undefined),
  ]);
  const [start = '', toAnswer = ''] = asked.pieces;
  const between = [toAnswer, answered.pieces[1], longer.pieces[1]].filter((piece) => piece !== undefined);
  return {
    start,
    system:
      instructed && inOrder(instructed)
        ? [instructed.pieces[0] ?? '', instructed.pieces[1] ?? '']
        : undefined,
    // Of several that begin alike the longest is meant.
    toAnswer: [...new Set(between)].sort((a, b) => b.length - a.length),
    toNext: inOrder(longer) ? longer.pieces[2] : undefined,
  };
}

/** Whether the texts stand in the order of their messages; some templates put instructions elsewhere. */
const inOrder = ({ slots }: Outline) => slots.every(({ message }, index) => message === index);

/** A beginning of a text: the turns before the first one of the user, and what follows the start of that. */
interface Opening {
  readonly turns: readonly TextTurn[];
  readonly rest: string;
}

/** The ways in which a text may begin. A default system turn is a part of the start, and comes first. */
function openings({ start, system }: TurnPieces, text: string): Opening[] {
  const found: Opening[] = [];
  if (text.startsWith(start)) found.push({ turns: [], rest: text.slice(start.length) });
  if (system !== undefined && text.startsWith(system[0])) {
    const [before, after] = system;
    const end = text.indexOf(after, before.length);
    if (end >= 0) {
      const content = text.slice(before.length, end);
      found.push({ turns: [{ role: 'system', content }], rest: text.slice(end + after.length) });
    }
  }
  return found;
}

/** Turns of one conversation: more are for no reader, and take long to find. */
const MAX_TURNS = 256;

/** Splits at what stands between turns. The text of the last answer is left as it is, with its end. */
function splitTurns(
  { turns: before, rest: text }: Opening,
  { toAnswer, toNext }: TurnPieces,
): { readonly turns: readonly TextTurn[]; readonly response: string } | undefined {
  const turns = [...before];
  let rest = text;
  while (turns.length < MAX_TURNS) {
    const answer = firstOf(toAnswer, rest);
    if (answer === undefined) return undefined;
    turns.push({ role: 'user', content: rest.slice(0, answer.at) });
    rest = rest.slice(answer.at + answer.piece.length);
    const next = toNext === undefined ? -1 : rest.indexOf(toNext);
    if (toNext === undefined || next < 0) return { turns, response: rest };
    turns.push({ role: 'assistant', content: rest.slice(0, next) });
    rest = rest.slice(next + toNext.length);
  }
  return undefined;
}

/** The piece that occurs first; of those at one place the first of the list. */
function firstOf(pieces: readonly string[], text: string) {
  let first: { readonly piece: string; readonly at: number } | undefined;
  for (const piece of pieces) {
    const at = text.indexOf(piece);
    if (at >= 0 && (first === undefined || at < first.at)) first = { piece, at };
  }
  return first;
}

function notRendered(text: string): TokenizeError {
  return new TokenizeError(
    'not-rendered',
    `the text ${quote(text)} is not a conversation as the chat template of the model writes it`,
    'render it by the chat template of the model, or give its turns',
  );
}

const escapePattern = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
