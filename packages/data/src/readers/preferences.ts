import { badField, numberField } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { hasFields } from '../format/fits.js';
import { type FormatNameOf, formatsOf } from '../formats/index.js';
import type { PreferencePair } from '../records.js';
import type { Reading, ReadOptions } from './options.js';
import { checkPairing, type Pairing, pairsOfRanking } from './pairing.js';
import { createReading } from './reading.js';

/** The name of a format with judged pairs, or with ranked responses; `preferenceFormats` lists them. */
export type PreferenceFormat = FormatNameOf<'pair' | 'ranking'>;

/** The names of the formats with judged pairs or ranked responses. */
export const preferenceFormats: readonly PreferenceFormat[] = formatsOf(['pair', 'ranking']);

/** Options of `readPreferences`. */
export interface PreferenceOptions extends ReadOptions<PreferenceFormat> {
  /** Rule by which ranked responses become pairs. @default 'all' */
  readonly pairing?: Pairing | undefined;
  /** Whether margins are read. Where they are not, nothing judges them. @default false */
  readonly margins?: boolean | undefined;
  /**
   * Whether pairs have weights: each pair of a ranking the same part of 1, and a judged pair the number of its field `weight`, or 1.
   *
   * @default false
   */
  readonly weights?: boolean | undefined;
}

/**
 * Reads judged pairs, one at a time. Records without an id get their position in the file as id. Ties, pairs of equal responses,
 * and records with an empty prompt or response are left out and counted. Ranked responses become pairs by a rule; their ids end
 * in `/1`, `/2` and so on.
 *
 * @throws {DataError} `unknown-format`, `bad-option`, `bad-record` (names the field, the record and the file), and the errors of
 *   `readRecords`
 *
 * @example
 * ```ts
 * const reading = readPreferences('comparisons.jsonl.gz');
 * for await (const { prompt, chosen, rejected } of reading) console.log({ prompt, chosen, rejected });
 * console.log(reading.format, reading.counts);
 * ```
 */
export function readPreferences(path: string, options: PreferenceOptions = {}): Reading<PreferencePair> {
  const { pairing = 'all', margins = false, weights = false } = options;
  checkPairing(pairing);
  return createReading<PreferencePair>(
    path,
    {
      pair: (pair, from) => [weights ? { ...pair, weight: weightOf(from) } : pair],
      ranking(ranking) {
        const pairs = pairsOfRanking(ranking, pairing, margins);
        if (pairs.length === 0) return 'tie';
        return weights ? pairs.map((pair) => ({ ...pair, weight: 1 / pairs.length })) : pairs;
      },
    },
    options,
  );
}

function weightOf(from: FileRecord): number {
  if (!hasFields(from, 'weight')) return 1;
  const weight = numberField(from, 'weight');
  if (!(weight > 0 && Number.isFinite(weight))) throw badField(from, 'weight', 'a positive number');
  return weight;
}
