import { conversationKey } from '@gram/base';
import { type FileRecord, readRecords } from '../files/read-records.js';
import { JUDGED, namesOf } from '../formats/index.js';
import type { PreferencePair } from '../records.js';
import { isNameOf, type ReadOptions, unknownFormat } from './read-format.js';

/** The name of a file format with judged pairs; `preferenceFormats` lists them. */
export type PreferenceFormat = keyof typeof JUDGED;

/** The names of the formats of judged pairs. */
export const preferenceFormats = namesOf(JUDGED);

/**
 * Reads judged pairs, one at a time. Records without an id get their position in the file as id. Ties and pairs of equal
 * responses are left out.
 *
 * @throws {DataError} `unknown-format`, `bad-record` (names the field, the record and the file), and the errors of
 *   `readRecords`
 *
 * @example
 * ```ts
 * for await (const { prompt, chosen, rejected } of readPreferences('comparisons.jsonl.gz', 'webgpt')) {
 *   console.log({ prompt, chosen, rejected });
 * }
 * ```
 */
export function readPreferences(
  path: string,
  format: PreferenceFormat,
  options: ReadOptions = {},
): AsyncIterable<PreferencePair> {
  if (!isNameOf(JUDGED, format)) throw unknownFormat(format, preferenceFormats);
  return parseAll(path, JUDGED[format], options);
}

async function* parseAll(
  path: string,
  parse: (from: FileRecord) => PreferencePair | 'tie',
  { onDrop }: ReadOptions,
): AsyncGenerator<PreferencePair> {
  for await (const from of readRecords(path)) {
    const pair = parse(from);
    if (pair === 'tie') onDrop?.(from.where, 'tie');
    else if (conversationKey(pair.chosen) === conversationKey(pair.rejected))
      onDrop?.(from.where, 'equal-responses');
    else yield pair;
  }
}
