import { type Answer, answerTurns, type Prompt, promptTurns, type Tool, type Turn } from '@gram/base';
import type { ChatLayout } from '../chat/chat-layout.js';
import type { ConversationOutline, RenderOptions } from '../chat/chat-template.js';
import type { ConversationText } from '../chat/conversation-texts.js';
import type { Slot } from '../chat/placeholders.js';
import { TokenizeError } from '../error.js';
import { noTrims } from '../prompts/trim.js';
import type { Form, Piece, Section } from './form.js';

/** A conversation to write. */
export interface ConversationRecord {
  readonly prompt: Prompt;
  readonly tools?: readonly Tool[] | undefined;
}

/** Writes a prompt up to and including the start of the assistant's turn. */
export async function promptForm(chat: ChatLayout, { prompt, tools }: ConversationRecord): Promise<Form> {
  const turns = promptTurns(prompt);
  const outline = await outlineOf(chat, turns, { tools, addGenerationPrompt: true });
  const sections = [{ pieces: piecesOf(outline, START, endOf(outline)), isLearned: false }];
  return formOf(outline, sections, { asked: turns, endsTurn: false });
}

/**
 * Writes a prompt and the response to it, each turn of the assistant in the response being a section of its own, from where the
 * assistant starts to write to the token that ends its turn.
 */
export async function responseForm(
  chat: ChatLayout,
  { prompt, tools, response }: ConversationRecord & { readonly response: Answer },
): Promise<Form> {
  const [asked, answered] = [promptTurns(prompt), answerTurns(response)];
  checkAnswer(answered);
  const turns = [...asked, ...answered];
  const full = await outlineOf(chat, turns, { tools });
  checkAllShown(full, asked.length);
  const learned = answered.flatMap(({ role }, index) => (role === 'assistant' ? [asked.length + index] : []));
  const sections: Section[] = [];
  let from = START;
  for (const turn of learned) {
    const start = await startOfTurn(chat, full, { turns, tools, turn });
    const end = endOfTurn(chat, full, turn, start);
    sections.push({ pieces: piecesOf(full, from, start), isLearned: false });
    sections.push({ pieces: piecesOf(full, start, end), isLearned: true });
    from = end;
  }
  return formOf(full, sections, { asked, endsTurn: true });
}

/** Writes a finished conversation to its very end, as a model that scores it reads it. */
export async function finishedForm(
  chat: ChatLayout,
  { prompt, tools, response }: ConversationRecord & { readonly response: Answer },
): Promise<Form> {
  const [asked, answered] = [promptTurns(prompt), answerTurns(response)];
  checkAnswer(answered);
  const outline = await outlineOf(chat, [...asked, ...answered], { tools });
  checkAllShown(outline, asked.length);
  const sections = [{ pieces: piecesOf(outline, START, endOf(outline)), isLearned: false }];
  return formOf(outline, sections, { asked, endsTurn: false });
}

/** A place in an outline: a piece of the template and an index in it. */
interface Position {
  readonly piece: number;
  readonly at: number;
}

const START: Position = { piece: 0, at: 0 };

function endOf({ pieces }: ConversationOutline): Position {
  return { piece: pieces.length - 1, at: pieces.at(-1)?.length ?? 0 };
}

function piecesOf({ pieces, slots }: ConversationOutline, from: Position, to: Position): Piece[] {
  const found: Piece[] = [];
  for (let index = from.piece; index <= to.piece; index++) {
    const text = pieces[index] ?? '';
    const start = index === from.piece ? from.at : 0;
    found.push(index === to.piece ? text.slice(start, to.at) : text.slice(start));
    const slot = slots[index];
    if (index < to.piece && slot !== undefined) found.push(slot);
  }
  return found;
}

/** Makes a form of the sections of an outline. What follows the turns that were asked is the only response. */
function formOf(
  { texts, slots }: ConversationOutline,
  sections: readonly Section[],
  { asked, endsTurn }: { asked: readonly Turn[]; endsTurn: boolean },
): Form {
  const shown = [...new Set(slots.map(({ text }) => text))].filter((text) => texts[text]?.kind !== 'data');
  const messageOf = (text: number) => texts[text]?.message ?? 0;
  const prompt = shown.filter((text) => messageOf(text) < asked.length);
  const response = shown.filter((text) => messageOf(text) >= asked.length);
  const isSystem = (text: number) => asked[messageOf(text)]?.role === 'system';
  return {
    sections,
    texts: texts.map(({ value }) => value),
    // The oldest turns are cut first, and the system turn, which holds for all of them, last.
    prompt: [...prompt.filter((text) => !isSystem(text)), ...prompt.filter(isSystem)],
    responses: response.length === 0 ? [] : [response],
    endsTurn,
  };
}

/** Where the assistant starts to write a turn: behind what the template writes when it is asked for that turn. */
async function startOfTurn(
  chat: ChatLayout,
  full: ConversationOutline,
  { turns, tools, turn }: { turns: readonly Turn[]; tools: readonly Tool[] | undefined; turn: number },
): Promise<Position> {
  const before = turns.slice(0, turn);
  for (const variables of [{}, THINKING]) {
    const asked = await outlineOf(chat, before, { tools, addGenerationPrompt: true, variables });
    const last = endOf(asked);
    if (startsWith(full, asked)) return last;
  }
  throw new TokenizeError(
    'template-unsupported',
    `the chat template writes what stands before message ${turn + 1} differently when it is asked for that message`,
    'shorten the response to its last turn, or write a ChatLayout for the model',
  );
}

/** With it a template that writes an empty thinking block for the assistant leaves the thinking to it, as where it thinks. */
const THINKING = { enable_thinking: true };

function startsWith(full: ConversationOutline, part: ConversationOutline): boolean {
  const last = part.pieces.length - 1;
  return (
    part.pieces.every((piece, index) =>
      index < last ? full.pieces[index] === piece : (full.pieces[index] ?? '').startsWith(piece),
    ) && part.slots.every((slot, index) => isSameSlot(slot, full.slots[index]))
  );
}

function isSameSlot(slot: Slot, other: Slot | undefined): boolean {
  return JSON.stringify(slot) === JSON.stringify(other);
}

/** The end of the token that ends a turn, after the last text of the turn. */
function endOfTurn(chat: ChatLayout, full: ConversationOutline, turn: number, start: Position): Position {
  const last = full.slots.findLastIndex(({ message }, index) => message === turn && index >= start.piece);
  const from = last < 0 ? start : { piece: last + 1, at: 0 };
  const at = full.pieces[from.piece]?.indexOf(chat.end, from.at) ?? -1;
  if (at >= 0) return { piece: from.piece, at: at + chat.end.length };
  throw new TokenizeError(
    'template-unsupported',
    `the chat template does not end message ${turn + 1} (assistant) with ${JSON.stringify(chat.end)}`,
    'use the chat template that was published with the model',
  );
}

function checkAnswer(turns: readonly Turn[]): void {
  if (turns.at(-1)?.role === 'assistant') return;
  throw new TokenizeError(
    'bad-message',
    'the response does not end with a turn of the assistant',
    'leave out the turns after the last one of the assistant, or drop the record',
  );
}

/** A template may leave out reasoning of earlier turns. What is learned or judged must be there. */
function checkAllShown({ texts, slots }: ConversationOutline, firstOfResponse: number): void {
  const shown = new Set(slots.map(({ text }) => text));
  const missing = texts.find(
    ({ kind, message = 0 }, index) => kind === 'reasoning' && message >= firstOfResponse && !shown.has(index),
  );
  if (missing === undefined) return;
  throw unsupported(`leaves out ${missing.name}`, 'leave out the reasoning from the record');
}

/** Renders a conversation with the model's template, or by the layout alone where that says all. */
async function outlineOf(
  chat: ChatLayout,
  turns: readonly Turn[],
  options: RenderOptions,
): Promise<ConversationOutline> {
  const hasTools = options.tools !== undefined && options.tools.length > 0;
  const isPlain = !hasTools && turns.every(isPlainTurn);
  const roles = turns.map(({ role }) => role).join();
  const isSimple = isPlain && (roles === 'user' || roles === 'user,assistant');
  // Thinking is a matter of the template: a layout has one way to start an answer.
  const { enable_thinking: thinks } = options.variables ?? {};
  if (chat.template !== undefined && (!isSimple || thinks !== undefined)) {
    return chat.template.outline(turns, options);
  }
  if (!isPlain) {
    throw unsupported('takes texts of a user and an assistant only', 'leave out tools, calls and reasoning');
  }
  return plainOutline(chat, turns, options.addGenerationPrompt ?? false);
}

function isPlainTurn({ role: _, content, ...more }: Turn): boolean {
  return content !== null && Object.values(more).every((value) => value === undefined);
}

/** Writes turns one after the other, each as the layout writes it. */
function plainOutline(chat: ChatLayout, turns: readonly Turn[], asks: boolean): ConversationOutline {
  const texts: ConversationText[] = [];
  const pieces: string[] = [];
  const slots: Slot[] = [];
  let piece = chat.bos;
  for (const [message, { role, content }] of turns.entries()) {
    const follower = turns[message + 1]?.role;
    piece += startOf(chat, turns, message);
    slots.push({ text: texts.length, message, trims: trimsOf(chat, role), isJson: false });
    pieces.push(piece);
    const name = `the text of message ${message + 1} (${role})`;
    texts.push({ value: content ?? '', kind: 'content', message, name, isRequired: true });
    const ends: Readonly<Record<string, string>> = {
      system: '\n\n',
      user: chat.userEnd,
      assistant: chat.end + (follower === undefined ? (chat.afterEnd ?? '') : ''),
    };
    piece = ends[role] ?? '';
  }
  return { pieces: [...pieces, asks ? piece + chat.assistantStart : piece], slots, texts };
}

function startOf(chat: ChatLayout, turns: readonly Turn[], index: number): string {
  const role = turns[index]?.role;
  const before = turns[index - 1]?.role;
  if (role === 'assistant') return chat.assistantStart;
  // A system turn opens the turn of the user that it stands before.
  if (role === 'user') return before === 'system' ? '' : chat.userStart;
  if (role === 'system' && index === 0 && turns[1]?.role === 'user') return chat.userStart;
  const place = role === 'system' ? 'where no turn of the user follows at the start' : 'at all';
  throw unsupported(
    `of ${chat.id} does not take message ${index + 1} (${role}) ${place}`,
    'leave the turn out, or use a model whose chat template takes it',
  );
}

function trimsOf({ trims }: ChatLayout, role: string) {
  return (role === 'assistant' ? trims?.assistant : trims?.user) ?? noTrims;
}

function unsupported(what: string, hint: string): TokenizeError {
  return new TokenizeError('template-unsupported', `the chat layout or template ${what}`, hint);
}
