import { badField, idOf, numberField } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';
import { preferencePair } from './preference.js';

/** The names of the two ratings, as several editions spell them. */
const RATINGS = [
  ['score_chosen', 'score_rejected'],
  ['metadata.score_chosen', 'metadata.score_rejected'],
  ['chosen_score', 'rejected_score'],
  ['chosen-rating', 'rejected-rating'],
  ['rating_chosen', 'rating_rejected'],
] as const;

/**
 * The binarized editions of UltraFeedback, and Capybara's pairs: `preference` with two ratings, whose difference is the margin:
 * `score_chosen` and `score_rejected`, which may stand under `metadata`, or `chosen-rating` and `rejected-rating`.
 */
export const ultrafeedback: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ prompt?, chosen, rejected, score_chosen, score_rejected }',
  fits: (from) => hasFields(from, 'chosen', 'rejected') && ratingsOf(from) !== undefined,
  read(from) {
    const id = ['id', 'prompt_id', 'source_index'].find((name) => hasFields(from, name));
    return { ...preferencePair(from), id: idOf(from, id) };
  },
  margin(from) {
    const ratings = ratingsOf(from);
    if (ratings === undefined) return undefined;
    const [chosen, rejected] = ratings;
    const margin = numberField(from, chosen) - numberField(from, rejected);
    if (!(margin >= 0)) throw badField(from, rejected, `a rating of at most that of "${chosen}"`);
    return margin;
  },
};

function ratingsOf(from: FileRecord): (typeof RATINGS)[number] | undefined {
  return RATINGS.find((names) => hasFields(from, ...names));
}
