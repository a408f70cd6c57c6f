import { idOf, numberField, textField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * The comparisons of WebGPT, `{ question, answers: [2], scores: [2] }`, or as OpenAI publishes them, `{ question: { full_text },
 * answer_0, answer_1, score_0, score_1 }`. The answer with the higher score is better and the difference is the margin; equal
 * scores are a tie.
 */
export const webgpt: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ question, answers: [2], scores: [2] }',
  fits: (from) =>
    hasFields(from, 'question') &&
    (hasFields(from, 'answers', 'scores') || hasFields(from, 'answer_0', 'score_0')),
  read(from) {
    const [first, second] = scoresOf(from);
    const answer = (at: number) =>
      textField(from, hasFields(from, 'answers') ? `answers.${at}` : `answer_${at}`);
    const answers = [answer(0), answer(1)] as const;
    if (first === second) return 'tie';
    const [chosen, rejected] = first > second ? answers : [answers[1], answers[0]];
    const isText = typeof valueAt(from, 'question') === 'string';
    return {
      id: idOf(from, hasFields(from, 'question.id') ? 'question.id' : 'id'),
      prompt: textField(from, isText ? 'question' : 'question.full_text'),
      chosen,
      rejected,
    };
  },
  margin(from) {
    const [first, second] = scoresOf(from);
    return Math.abs(first - second);
  },
};

function scoresOf(from: FileRecord): [number, number] {
  const score = (at: number) => numberField(from, hasFields(from, 'scores') ? `scores.${at}` : `score_${at}`);
  return [score(0), score(1)];
}
