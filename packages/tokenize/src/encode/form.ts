import { type Answer, conversationText, type Prompt, type Tool } from '@gram/base';
import type { ChatLayout } from '../chat/chat-layout.js';
import type { Slot } from '../chat/placeholders.js';
import type { JudgePrompt } from '../prompts/judge-prompt.js';
import { noTrims, type Trims, trimText } from '../prompts/trim.js';

/** The place of a text of the record. */
export type Place = Pick<Slot, 'text' | 'trims' | 'isJson'>;

/** Text of a template, or the place of a text of the record. */
export type Piece = string | Place;

/** A record as it is written: the texts of the template, with places for its own. */
export interface Form {
  /** Sections that are encoded apart from each other, so that a token ends where a section ends. */
  readonly sections: readonly Section[];
  /** The texts of the record. */
  readonly texts: readonly string[];
  /** Indices of the texts of the prompt. Where they do not fit, their start is cut. */
  readonly prompt: readonly number[];
  /** Indices of the texts of each response. Where they do not fit, their ends are cut. */
  readonly responses: readonly (readonly number[])[];
  /** Whether the record ends with a turn whose end a response that was cut does not reach. */
  readonly endsTurn: boolean;
}

/** A part of a record that is encoded apart. */
export interface Section {
  readonly pieces: readonly Piece[];
  /** Whether a language-model loss supervises it: the turns of an assistant that are learned. */
  readonly isLearned: boolean;
}

/** Makes forms of a prompt and two responses. */
export type PairForm = (texts: readonly [prompt: string, first: string, second: string]) => Form;

/** Writes a prompt and two responses into a judging prompt, up to the assistant's start; the label follows. */
export function comparisonForm(
  { instruction, question, answers: [a, b], between, tail }: JudgePrompt,
  chat: ChatLayout,
): PairForm {
  const turn = trimTurn(chat.trims?.user, instruction + question.start, b.end + tail);
  const pieces = [
    chat.bos + chat.userStart + turn.head,
    place(0, turn.first),
    question.end + a.start,
    place(1, noTrims),
    a.end + between + b.start,
    place(2, turn.last),
    turn.tail + chat.userEnd + chat.assistantStart,
  ];
  const sections = [{ pieces, isLearned: false }];
  return (texts) => ({ sections, texts, prompt: [0], responses: [[1], [2]], endsTurn: false });
}

/** Writes the question as the user's turn, and both responses in one turn of the assistant. */
export function responsePairForm(
  { question, answers: [a, b], between }: JudgePrompt,
  chat: ChatLayout,
): PairForm {
  const asked = trimTurn(chat.trims?.user, question.start, question.end);
  const answered = trimTurn(chat.trims?.assistant, a.start, b.end);
  const opening = [
    chat.bos + chat.userStart + asked.head,
    place(0, { start: asked.first.start, end: asked.last.end }),
    asked.tail + chat.userEnd + chat.assistantStart,
  ];
  const answer = [
    answered.head,
    place(1, answered.first),
    a.end + between + b.start,
    place(2, answered.last),
    answered.tail + chat.end,
  ];
  const sections = [
    { pieces: opening, isLearned: false },
    { pieces: answer, isLearned: true },
  ];
  return (texts) => ({ sections, texts, prompt: [0], responses: [[1], [2]], endsTurn: true });
}

/**
 * Writes a prompt as the question of a judging prompt, by version 1 of the way that {@link JudgePrompt} states.
 */
export function questionText(prompt: Prompt, tools: readonly Tool[] | undefined): string {
  const text = conversationText(prompt);
  if (tools === undefined || tools.length === 0) return text;
  return `Tools: ${JSON.stringify(tools)}\n\n${typeof prompt === 'string' ? `Human: ${prompt}` : text}`;
}

/** Writes a response into a judging prompt, as {@link questionText} writes turns. */
export function answerText(response: Answer): string {
  return conversationText(response);
}

function place(text: number, trims: Trims): Place {
  return { text, trims, isJson: false };
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
