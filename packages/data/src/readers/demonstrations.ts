import type { Demonstration } from '../records.js';
import { idOf, optionalText, textField, valueAt } from './fields.js';
import {
  type PreferenceFormat,
  preferenceFormats,
  type ReadOptions,
  readPreferences,
  unknownFormat,
} from './preferences.js';
import { type FileRecord, readRecords } from './records.js';

const parsers = {
  demonstration: (from) => ({
    id: idOf(from),
    prompt: textField(from, 'prompt'),
    response: textField(from, 'response'),
    family: optionalText(from, 'family') ?? optionalText(from, 'subset'),
  }),
  alpaca: (from) => {
    const instruction = textField(from, 'instruction');
    const input = (valueAt(from, 'input') ?? '') === '' ? '' : textField(from, 'input');
    return {
      id: idOf(from),
      prompt: input === '' ? instruction : `${instruction}\n\n${input}`,
      response: textField(from, 'output'),
    };
  },
} as const satisfies Record<string, (from: FileRecord) => Demonstration>;

/** Name of a file format that demonstrations can be read from. */
export type DemonstrationFormat = keyof typeof parsers | PreferenceFormat;

/**
 * Formats of demonstrations: the two below, and those of judged pairs, of which the chosen response is taken.
 *
 * | name | record |
 * |---|---|
 * | `demonstration` | `{ prompt, response, id?, family? }`; `subset` counts as the family |
 * | `alpaca` | `{ instruction, input?, output }`; an input that is not empty follows after a blank line |
 */
export const demonstrationFormats: readonly DemonstrationFormat[] = [
  ...(Object.keys(parsers) as (keyof typeof parsers)[]),
  ...preferenceFormats,
];

/**
 * Reads demonstrations, one at a time. Records without an id get their position in the file. Of judged pairs, ties and
 * pairs of equal responses are dropped, as `readPreferences` does.
 *
 * @throws {DataError} `unknown-format`, `bad-record` (names the field, the record and the file), and the errors
 * of `readRecords`
 */
export function readDemonstrations(
  path: string,
  format: DemonstrationFormat,
  options: ReadOptions = {},
): AsyncIterable<Demonstration> {
  if (isPreferenceFormat(format)) return chosenOnly(path, format, options);
  if (!Object.hasOwn(parsers, format)) throw unknownFormat(format, demonstrationFormats);
  return parseAll(path, parsers[format]);
}

function isPreferenceFormat(format: DemonstrationFormat): format is PreferenceFormat {
  return (preferenceFormats as readonly string[]).includes(format);
}

async function* parseAll(
  path: string,
  parse: (from: FileRecord) => Demonstration,
): AsyncGenerator<Demonstration> {
  for await (const from of readRecords(path)) yield parse(from);
}

async function* chosenOnly(
  path: string,
  format: PreferenceFormat,
  options: ReadOptions,
): AsyncGenerator<Demonstration> {
  for await (const { chosen, rejected: _, ...rest } of readPreferences(path, format, options)) {
    yield { ...rest, response: chosen };
  }
}
