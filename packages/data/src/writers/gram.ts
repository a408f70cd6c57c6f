import { type Answer, conversationText, type Prompt } from '@gram/base';
import { holdsMark } from '../conversations/gram.js';
import type { PlacedPair } from '../pipeline/positions.js';
import type { PreferencePair, ResponsePair } from '../records.js';
import type { Unwritable } from './plain.js';

/**
 * Writes a pair in the form of the authors' data for stage 1: the question, and two answers between marks. Space around texts is left
 * out, as the reader does, and conversations are written by `conversationText`.
 */
export function gramPretrainRecord({ prompt, responses }: ResponsePair): object | Unwritable {
  const parts = markedParts(prompt, responses);
  if (typeof parts === 'string') return parts;
  return { instruction: `${parts.question}\n\n`, input: '', output: parts.answers };
}

/**
 * Writes a pair in the form of the authors' data for stage 2: a judging prompt, and the label of the better answer.
 *
 * @param instruction what the judge is told before the question
 */
export function gramFinetuneRecord(
  { prompt, responses, label }: PlacedPair,
  instruction: string,
): object | Unwritable {
  const parts = markedParts(prompt, responses);
  if (typeof parts === 'string') return parts;
  return {
    instruction: `${instruction}${parts.question}\n\n${parts.answers}\n\n#Preferred: `,
    input: '',
    output: label,
  };
}

/** Writes a pair in the form of the authors' evaluation data: texts under `prompt`, `chosen` and `rejected`. */
export function gramEvalRecord({ id, prompt, chosen, rejected, family }: PreferencePair): object {
  return {
    id,
    prompt: conversationText(prompt),
    chosen: conversationText(chosen),
    rejected: conversationText(rejected),
    ...(family !== undefined && { subset: family }),
  };
}

/** The question and the answers with their marks; a text with a mark of its own could not be told from them. */
function markedParts(
  prompt: Prompt,
  responses: readonly [Answer, Answer],
): { readonly question: string; readonly answers: string } | Unwritable {
  const [question, a, b] = [prompt, ...responses].map((text) => conversationText(text).trim());
  if (question === undefined || a === undefined || b === undefined) return 'empty';
  if (question === '' || a === '' || b === '') return 'empty';
  if ([question, a, b].some(holdsMark)) return 'holds-a-mark';
  return {
    question: `[User Question]\n${question}`,
    answers: [answerBlock('A', a), answerBlock('B', b)].join('\n\n'),
  };
}

function answerBlock(label: 'A' | 'B', text: string): string {
  return `[The Start of Assistant ${label}'s Answer]\n${text}\n[The End of Assistant ${label}'s Answer]`;
}
