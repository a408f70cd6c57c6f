import { badField, idOf, numberField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { PreferencePair } from '../records.js';
import { preferencePair } from './preference.js';

/**
 * Reads UltraFeedback's `{ prompt?, chosen, rejected }`, as `preference`. `score_chosen` and `score_rejected`, which may stand
 * under `metadata`, give the margin.
 */
export function ultrafeedback(from: FileRecord): PreferencePair {
  return {
    ...preferencePair(from),
    id: idOf(from, 'source_index'),
    ...(ratedMargin(from, 'score') ?? ratedMargin(from, 'metadata.score')),
  };
}

/** The margin by two ratings, where a record has both. */
function ratedMargin(from: FileRecord, rating: string): { readonly margin: number } | undefined {
  const [chosen, rejected] = [`${rating}_chosen`, `${rating}_rejected`];
  if (valueAt(from, chosen) === undefined || valueAt(from, rejected) === undefined) return undefined;
  const margin = numberField(from, chosen) - numberField(from, rejected);
  if (!(margin >= 0)) throw badField(from, rejected, `a rating of at most that of "${chosen}"`);
  return { margin };
}
