import { badField, textField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';

/** Marks of the authors' training data, `[The Start of Assistant A's Answer]`; shortened ones, `[Start A]` and `[A]`, count too. */
const start = (label: string) =>
  String.raw`\[(?:(?:The )?Start(?: of Assistant)? )?${label}(?:'s (?:Answer|Response))?\]`;
const end = (label: string) =>
  String.raw`\[(?:The )?End(?: of Assistant)? ${label}(?:'s (?:Answer|Response))?\]`;

const ANSWERS = `${start('A')}(?<a>.*?)(?:${end('A')})?\\s*${start('B')}(?<b>.*?)(?:${end('B')})?`;
const QUESTION = /\[User Question\]/;

/** The two answers between their marks, and nothing else. */
const ONLY_ANSWERS = new RegExp(`^\\s*${ANSWERS}\\s*$`, 's');
/** A whole judging prompt. */
const JUDGING_PROMPT = new RegExp(
  `${QUESTION.source}(?<question>.*?)${ANSWERS}\\s*(?:#Preferred:)?\\s*$`,
  's',
);

const ANY_MARK = new RegExp(
  [QUESTION.source, ...['A', 'B'].flatMap((label) => [start(label), end(label)])].join('|'),
);

/** A question with two answers. */
export interface MarkedAnswers {
  readonly prompt: string;
  readonly responses: readonly [string, string];
}

/** Whether a text holds what reading would take for a mark. */
export function holdsMark(text: string): boolean {
  return ANY_MARK.test(text);
}

/** Whether a record is of the pre-training data of GRAM: `[User Question]` with an output of two marked answers. */
export function hasMarkedAnswers(from: FileRecord): boolean {
  return isText(from, 'instruction', /^\s*\[User Question\]/) && isText(from, 'output', ONLY_ANSWERS);
}

/** Whether a record is of the fine-tuning data of GRAM: a judging prompt, and the label as the output. */
export function hasJudgingPrompt(from: FileRecord): boolean {
  return isText(from, 'instruction', JUDGING_PROMPT) && isText(from, 'output', /^\s*[AB]\s*$/);
}

/**
 * Reads a question from `instruction` with its `input`, and two marked answers from `output`.
 *
 * @throws {DataError} `bad-record`
 */
export function readMarkedAnswers(from: FileRecord): MarkedAnswers {
  const [before = '', ...after] = textField(from, 'instruction').split(QUESTION);
  if (before.trim() !== '' || after.length === 0) {
    throw badField(from, 'instruction', 'a question after "[User Question]"');
  }
  const answers = ONLY_ANSWERS.exec(textField(from, 'output'))?.groups;
  if (answers === undefined) throw badField(from, 'output', 'two answers between the marks of GRAM');
  const input = (valueAt(from, 'input') ?? '') === '' ? '' : `\n${textField(from, 'input')}`;
  return { prompt: `${after.join('[User Question]').trim()}${input}`, responses: pairOf(answers) };
}

/**
 * Reads a question and two answers from a judging prompt in `instruction`. What the judge is told before is left out: a stage
 * has a judging prompt of its own.
 *
 * @throws {DataError} `bad-record`
 */
export function readJudgingPrompt(from: FileRecord): MarkedAnswers {
  const found = JUDGING_PROMPT.exec(textField(from, 'instruction'))?.groups;
  if (found === undefined) throw badField(from, 'instruction', 'a judging prompt with the marks of GRAM');
  return { prompt: (found.question ?? '').trim(), responses: pairOf(found) };
}

function pairOf({ a = '', b = '' }: Readonly<Record<string, string | undefined>>): [string, string] {
  return [a.trim(), b.trim()];
}

function isText(from: FileRecord, name: string, pattern: RegExp): boolean {
  const value = valueAt(from, name);
  return typeof value === 'string' && pattern.test(value);
}
