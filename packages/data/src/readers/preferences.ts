import { conversationKey } from '@gram/base';
import { type FileRecord, readRecords } from '../files/read-records.js';
import { JUDGED, namesOf } from '../formats/index.js';
import type { PreferencePair } from '../records.js';
import { type DropReason, emptyText, isNameOf, type ReadOptions, unknownFormat } from './read-format.js';

/** The name of a file format with judged pairs; `preferenceFormats` lists them. */
export type PreferenceFormat = keyof typeof JUDGED;

/** The names of the formats of judged pairs. */
export const preferenceFormats = namesOf(JUDGED);

/**
 * Reads judged pairs, one at a time. Records without an id get their position in the file as id. Ties, pairs of equal
 * responses and records with an empty prompt or response are left out.
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
    const reason = pair === 'tie' ? 'tie' : reasonToDrop(pair);
    if (reason !== undefined) onDrop?.(from.where, reason);
    else if (pair !== 'tie') yield pair;
  }
}

function reasonToDrop({ prompt, chosen, rejected }: PreferencePair): DropReason | undefined {
  const isEqual = conversationKey(chosen) === conversationKey(rejected);
  return emptyText(prompt, [chosen, rejected]) ?? (isEqual ? 'equal-responses' : undefined);
}
