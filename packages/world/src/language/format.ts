import { wordsOf } from './words.js';

/** An answer before it gets its format: the items that answer the question, and optional words around them. */
export interface Answer {
  readonly before?: string;
  readonly items: readonly string[];
  readonly after?: string;
}

/** A way to write an answer, which the prompt asks for by `instruction`. */
export interface Format {
  /** Sentence at the end of the prompt; empty for the plain format. */
  readonly instruction: string;
  /** Writes an answer in this format. */
  write(answer: Answer): string;
  /** Whether a response keeps to the format; `size` is the number of words of the bare answer. */
  keeps(response: string, size: number): boolean;
}

function sentence({ before = '', items, after = '' }: Answer, separator: string): string {
  return `${[before, items.join(separator), after].filter((part) => part !== '').join(' ')}.`;
}

/** The formats that a prompt can ask for. All families share them, so that what is learned about them transfers. */
export const FORMATS = {
  plain: {
    instruction: '',
    write: (answer) => sentence(answer, ' '),
    keeps: () => true,
  },
  opening: {
    instruction: 'start with the word answer.',
    write: (answer) => `answer: ${sentence(answer, ' ')}`,
    keeps: (response) => wordsOf(response)[0] === 'answer',
  },
  ending: {
    instruction: 'end with the word done.',
    write: (answer) => `${sentence(answer, ' ')} done.`,
    keeps: (response) => wordsOf(response).at(-1) === 'done',
  },
  thanks: {
    instruction: 'say thank you at the end.',
    write: (answer) => `${sentence(answer, ' ')} thank you.`,
    keeps: (response) => wordsOf(response).slice(-2).join(' ') === 'thank you',
  },
  bare: {
    instruction: 'give only the answer.',
    write: (answer) => sentence({ items: answer.items }, ' '),
    keeps: (response, size) => wordsOf(response).length <= size,
  },
  commas: {
    instruction: 'use commas.',
    write: (answer) => sentence(answer, ', '),
    keeps: (response, size) => response.split(',').length >= Math.max(2, size - 1),
  },
} as const satisfies Record<string, Format>;

/** The name of a format. */
export type FormatName = keyof typeof FORMATS;

/** The formats of answers that are one word. */
export const SINGLE_FORMATS: readonly FormatName[] = ['plain', 'opening', 'ending', 'thanks', 'bare'];
/** The formats of answers that are a list. */
export const LIST_FORMATS: readonly FormatName[] = ['plain', 'opening', 'ending', 'commas', 'bare'];
/** The formats of answers that are a sentence. */
export const SENTENCE_FORMATS: readonly FormatName[] = ['plain', 'opening', 'ending', 'thanks'];
