import { idOf, numberField, textField } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';

/**
 * Reads WebGPT's `{ question, answers: [2], scores: [2] }`. The answer with the higher score is better and the difference
 * is the margin; equal scores are a tie.
 */
export function webgpt(from: FileRecord): PreferencePair | 'tie' {
  const [first, second] = [numberField(from, 'scores.0'), numberField(from, 'scores.1')];
  const answers = [textField(from, 'answers.0'), textField(from, 'answers.1')] as const;
  if (first === second) return 'tie';
  const [chosen, rejected] = first > second ? answers : [answers[1], answers[0]];
  const margin = Math.abs(first - second);
  return { id: idOf(from), prompt: textField(from, 'question'), chosen, rejected, margin };
}
