import { entriesOf, rewardsOf } from '../conversations/ranked.js';
import { idOf, textField } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** Request that the summaries of SumLLM answer; the files have the article alone. */
const INSTRUCTION = 'Summarize the following article.';

/** The ranked summaries of SumLLM; the highest `rank_score` is best. */
export const sumLlm: FormatOf<'ranking'> = {
  holds: 'ranking',
  fields: '{ article, candidates: [{ summary, rank_score }] }',
  fits: (from) => hasFields(from, 'article', 'candidates'),
  read(from) {
    const entries = entriesOf(from, 'candidates');
    return {
      id: idOf(from),
      prompt: `${INSTRUCTION}\n\n${textField(from, 'article')}`,
      responses: entries.map((path) => textField(from, `${path}.summary`)),
      rewards: rewardsOf(
        from,
        entries.map((path) => `${path}.rank_score`),
      ),
    };
  },
};
