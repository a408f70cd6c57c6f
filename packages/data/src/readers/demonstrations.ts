import { type FormatNameOf, formatsOf } from '../formats/index.js';
import type { Demonstration } from '../records.js';
import type { Reading, ReadOptions } from './options.js';
import { createReading } from './reading.js';

/** The name of a format that demonstrations can be read from; `demonstrationFormats` lists them. */
export type DemonstrationFormat = FormatNameOf<'demonstration' | 'label' | 'pair' | 'ranking'>;

/** The names of the formats with demonstrations, labeled responses, judged pairs or ranked responses. */
export const demonstrationFormats: readonly DemonstrationFormat[] = formatsOf([
  'demonstration',
  'label',
  'pair',
  'ranking',
]);

/**
 * Reads demonstrations, one at a time. Records without an id get their position in the file as id. A judged pair demonstrates its
 * chosen response, ranked responses the best one, and of labeled responses the good ones do. What `readPreferences` leaves out is
 * left out here as well.
 *
 * @throws {DataError} `unknown-format`, `bad-option`, `bad-record` (names the field, the record and the file), and the errors of
 *   `readRecords`
 */
export function readDemonstrations(
  path: string,
  options: ReadOptions<DemonstrationFormat> = {},
): Reading<Demonstration> {
  return createReading<Demonstration>(
    path,
    {
      demonstration: (demonstration) => [demonstration],
      label: ({ isGood, ...demonstration }) => (isGood ? [demonstration] : 'not-good'),
      pair: ({ chosen, rejected: _, margin: __, ...rest }) => [{ ...rest, response: chosen }],
      ranking({ responses, rewards, ...rest }) {
        const best = responses[rewards.indexOf(Math.max(...rewards))];
        return best === undefined ? 'empty-response' : [{ ...rest, response: best }];
      },
    },
    options,
  );
}
