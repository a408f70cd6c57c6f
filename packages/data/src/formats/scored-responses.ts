import { plainAnswer, plainPrompt } from '@gram/base';
import { toolsField, withContext } from '../conversations/context.js';
import { answerField, promptField } from '../conversations/messages.js';
import { entriesOf, rewardsOf } from '../conversations/ranked.js';
import { badField, familyOf, idOf } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { firstField, hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** The names of the list of numbers, and which number is best. */
const NUMBERS = { scores: 'highest', rewards: 'highest', ranks: 'lowest' } as const;

/** Responses to one prompt with a score or a rank each, of which 1 is best. */
export const scoredResponses: FormatOf<'ranking'> = {
  holds: 'ranking',
  fields: '{ prompt, responses, scores } or { prompt, responses, ranks }',
  fits: (from) => hasFields(from, 'prompt', 'responses') && numbersOf(from) !== undefined,
  read(from) {
    const name = numbersOf(from) ?? 'scores';
    const [responses, numbers] = [entriesOf(from, 'responses'), entriesOf(from, name)];
    if (responses.length !== numbers.length) throw badField(from, name, 'as long as "responses"');
    return {
      id: idOf(from),
      prompt: plainPrompt(withContext(from, promptField(from, 'prompt'))),
      responses: responses.map((path) => plainAnswer(answerField(from, path))),
      rewards: rewardsOf(from, numbers, NUMBERS[name]),
      ...toolsField(from),
      family: familyOf(from),
    };
  },
};

function numbersOf(from: FileRecord): keyof typeof NUMBERS | undefined {
  return firstField(from, ['scores', 'rewards', 'ranks']);
}
