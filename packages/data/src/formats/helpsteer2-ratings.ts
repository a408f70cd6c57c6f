import { rewardsOf } from '../conversations/ranked.js';
import { badField, textField, valueAt } from '../files/fields.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * The ratings of HelpSteer 2 and HelpSteer, one response a record; the responses to one prompt stand one after the other, and
 * their helpfulness ranks them.
 */
export const helpSteer2Ratings: FormatOf<'ranking'> = {
  holds: 'ranking',
  fields: '{ prompt, response, helpfulness }, the responses to one prompt one after the other',
  fits: (from) => hasFields(from, 'prompt', 'response', 'helpfulness'),
  joinKey: (from) => textField(from, 'prompt'),
  read(from) {
    const records = valueAt(from, 'records');
    if (!Array.isArray(records)) throw badField(from, 'prompt', 'joined with the records of the same prompt');
    const paths = records.map((_, at) => `records.${at}`);
    return {
      id: String(from.number),
      prompt: textField(from, 'records.0.prompt'),
      responses: paths.map((path) => textField(from, `${path}.response`)),
      rewards: rewardsOf(
        from,
        paths.map((path) => `${path}.helpfulness`),
      ),
    };
  },
};
