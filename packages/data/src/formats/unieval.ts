import { rewardsOf } from '../conversations/ranked.js';
import { badField, textField, valueAt } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * The human ratings of UniEval, as of the replies of Topical-Chat: one rated output a record; the outputs for one source stand one
 * after the other, and their overall score ranks them. The source is the prompt.
 */
export const uniEval: FormatOf<'ranking'> = {
  holds: 'ranking',
  fields: '{ source, system_output, scores: { overall } }, the outputs for one source one after the other',
  fits: (from) => hasFields(from, 'source', 'system_output', 'scores.overall'),
  joinKey: (from) => textField(from, 'source'),
  read(from) {
    const records = valueAt(from, 'records');
    if (!Array.isArray(records)) throw badField(from, 'source', 'joined with the records of the same source');
    const paths = records.map((_, at) => `records.${at}`);
    return {
      id: String(from.number),
      prompt: textField(from, 'records.0.source').trim(),
      responses: paths.map((path) => textField(from, `${path}.system_output`).trim()),
      rewards: rewardsOf(
        from,
        paths.map((path) => `${path}.scores.overall`),
      ),
    };
  },
};
