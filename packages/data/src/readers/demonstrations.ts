import { type FileRecord, readRecords } from '../files/read-records.js';
import { DEMONSTRATED, JUDGED, namesOf } from '../formats/index.js';
import type { Demonstration, PreferencePair } from '../records.js';
import { type PreferenceFormat, preferenceFormats, readPreferences } from './preferences.js';
import { emptyText, isNameOf, type ReadOptions, unknownFormat } from './read-format.js';

/** The name of a file format that demonstrations can be read from; `demonstrationFormats` lists them. */
export type DemonstrationFormat = keyof typeof DEMONSTRATED | PreferenceFormat;

/** The names of the formats of demonstrations, and of those of judged pairs. */
export const demonstrationFormats: readonly DemonstrationFormat[] = [
  ...namesOf(DEMONSTRATED),
  ...preferenceFormats,
];

/**
 * Reads demonstrations, one at a time. Records without an id get their position in the file as id. A judged pair
 * demonstrates its chosen response; what `readPreferences` leaves out is left out here as well, as are
 * records with an empty prompt or response.
 *
 * @throws {DataError} `unknown-format`, `bad-record` (names the field, the record and the file), and the errors of
 *   `readRecords`
 */
export function readDemonstrations(
  path: string,
  format: DemonstrationFormat,
  options: ReadOptions = {},
): AsyncIterable<Demonstration> {
  if (isNameOf(JUDGED, format)) return chosenOnly(readPreferences(path, format, options));
  if (!isNameOf(DEMONSTRATED, format)) throw unknownFormat(format, demonstrationFormats);
  return parseAll(path, DEMONSTRATED[format], options);
}

async function* parseAll(
  path: string,
  parse: (from: FileRecord) => Demonstration,
  { onDrop }: ReadOptions,
): AsyncGenerator<Demonstration> {
  for await (const from of readRecords(path)) {
    const item = parse(from);
    const reason = emptyText(item.prompt, [item.response]);
    if (reason === undefined) yield item;
    else onDrop?.(from.where, reason);
  }
}

async function* chosenOnly(pairs: AsyncIterable<PreferencePair>): AsyncGenerator<Demonstration> {
  for await (const { chosen, rejected: _, ...rest } of pairs) yield { ...rest, response: chosen };
}
