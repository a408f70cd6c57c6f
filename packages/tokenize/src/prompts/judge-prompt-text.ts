import { sha256 } from '@gram/base';
import { TokenizeError } from '../error.js';
import type { JudgePrompt } from './judge-prompt.js';
import { overlapOf } from './parse-judge-prompt.js';

/** The places of a judging prompt that is written as plain text, in their order. */
const PLACES = ['{question}', '{answer_a}', '{answer_b}'] as const;

/** Names of the same places in the text that the authors of GRAM published. */
const PUBLISHED_PLACES = ['{input}', '{response_a}', '{response_b}'] as const;

/** The labels of a judging prompt that is written as plain text. */
const LABELS = ['A', 'B'] as const;

/**
 * Reads a judging prompt from its plain text, with `{question}`, `{answer_a}` and `{answer_b}` where the texts of a record go and
 * the labels A and B; or with `{input}`, `{response_a}` and `{response_b}`, as the authors of GRAM write it. The text is kept to the character, apart from one line break at its end, which editors add, and from
 * line breaks of Windows.
 *
 * Lines beside the places structure the prompt, so they are its markers. They count everywhere in the text of a user where
 * each begins with a sign, such as `[` or `#`; words, such as `Answer A:`, count at the start of a line only. Paragraphs tell
 * the instruction from the question and the answers from each other, which the first stage of training needs. The id holds
 * the hash of the text.
 *
 * @param where names the text in errors
 * @throws {TokenizeError} `bad-prompt`
 */
export function judgePromptFromText(text: string, where: string): JudgePrompt {
  const clean = text
    .replace(/^\uFEFF/, '')
    .replaceAll('\r\n', '\n')
    .replace(/\n$/, '');
  const [before, toA, toB, after] = piecesOf(clean, where);
  const question = splitBefore(before);
  const [questionEnd, startA] = splitBefore(toA);
  const [endA, rest] = splitAfter(toB);
  const [between, startB] = splitBefore(rest);
  const [endB, tail] = splitAfter(after);
  const markers = markersOf(before, toA, toB, after, where);
  return {
    id: `text-${sha256(clean).slice(0, 16)}`,
    instruction: question[0],
    question: { start: question[1], end: questionEnd },
    answers: [
      { start: startA, end: endA },
      { start: startB, end: endB },
    ],
    between,
    tail,
    labels: LABELS,
    markers,
    markersCount: markers.every((marker) => /^[^\p{L}\p{N}\s]/u.test(marker)) ? 'anywhere' : 'at-line-start',
  };
}

/** The texts before, between and after the places. */
function piecesOf(text: string, where: string): [string, string, string, string] {
  const refuse = (problem: string) =>
    new TokenizeError(
      'bad-prompt',
      `${where}: ${problem}`,
      `write ${PLACES.join(', ')} once each and in this order, where the texts of a record go`,
    );
  const pieces = [];
  let rest = text;
  const isPublished = PUBLISHED_PLACES.every((place) => text.includes(place));
  for (const place of isPublished ? PUBLISHED_PLACES : PLACES) {
    const count = text.split(place).length - 1;
    if (count !== 1)
      throw refuse(`the judging prompt has ${place} ${count === 0 ? 'nowhere' : `${count} times`}`);
    const at = rest.indexOf(place);
    if (at < 0) throw refuse(`the judging prompt has ${place} out of order`);
    pieces.push(rest.slice(0, at));
    rest = rest.slice(at + place.length);
  }
  const [before = '', toA = '', toB = ''] = pieces;
  return [before, toA, toB, rest];
}

/** Splits a text after its last blank line. */
function splitBefore(text: string): [string, string] {
  const at = text.lastIndexOf('\n\n');
  return at < 0 ? ['', text] : [text.slice(0, at + 2), text.slice(at + 2)];
}

/** Splits a text before its first blank line. */
function splitAfter(text: string): [string, string] {
  const at = text.indexOf('\n\n');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}

/** The lines beside the places. Of the instruction that is the last paragraph, which stands over the question. */
function markersOf(before: string, toA: string, toB: string, after: string, where: string): string[] {
  const pieces = [splitBefore(before)[1], toA, toB, after];
  const lines = pieces.flatMap((piece) => piece.split('\n').map((line) => line.trim()));
  const markers = [...new Set(lines)].filter((line) => line !== '');
  const refuse = (problem: string) =>
    new TokenizeError(
      'bad-prompt',
      `${where}: ${problem}`,
      'write another line beside each of the answers, or give the prompt in JSON, which names its markers',
    );
  if (markers.length === 0) throw refuse('no line of the judging prompt tells the question from the answers');
  const [one, other] = overlapOf(markers) ?? [];
  if (one === undefined || other === undefined) return markers;
  throw refuse(`${JSON.stringify(markers[one])} overlaps with ${JSON.stringify(markers[other])}`);
}
