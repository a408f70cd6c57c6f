import {
  type Column,
  columnFields,
  describeCounts,
  type FormatName,
  type PreferenceFormat,
  type PreferenceOptions,
  type PreferencePair,
  pairings,
  preferenceFormats,
  type ReadCounts,
  readingNotes,
  readPreferences,
} from '@gram/data';
import type { Io } from '../command.js';
import { CliError } from '../error.js';
import type { Flags } from '../flags.js';
import { fetchData } from '../input/fetch-data.js';
import { wholeNumber } from '../parse-flags.js';

/** Flags that say how a file of judged pairs is read. */
export const pairFlags = {
  format: {
    value: 'NAME',
    choices: preferenceFormats,
    help: 'format of the records; default the one that the fields of the first record fit',
  },
  column: {
    value: 'FIELD=PATH',
    multiple: true,
    help: `where the file has a field, as in chosen=answers.best; repeat the flag for each of ${columnFields.join(', ')}`,
  },
  pairing: { value: 'NAME', choices: pairings, help: 'how ranked responses become pairs; default all' },
  'max-bad-records': {
    value: 'N',
    help: 'leave out up to N records that cannot be read; default 0, which stops at the first',
  },
  degenerate: {
    value: 'NAME',
    choices: ['drop', 'error'],
    help: 'drop or error: what becomes of an empty prompt or response, and of equal responses; default drop',
  },
} as const satisfies Flags;

/** The values of these flags. */
export interface PairFlagValues {
  readonly format: string | undefined;
  readonly column: readonly string[];
  readonly pairing: string | undefined;
  readonly 'max-bad-records': string | undefined;
  readonly degenerate: string | undefined;
}

/** Judged pairs in memory, and what was met in their file. */
export interface JudgedPairsFile {
  readonly pairs: readonly PreferencePair[];
  readonly format: FormatName | undefined;
  readonly records: ReadCounts;
}

/** Reads judged pairs, and says on the error stream what was read. */
export async function readPairs(
  path: string,
  values: PairFlagValues,
  limit: number | undefined,
  io: Io,
): Promise<JudgedPairsFile> {
  const { stderr, signal } = io;
  const local = await fetchData(path, io);
  const reading = readPreferences(local, optionsOf(values));
  const pairs: PreferencePair[] = [];
  for await (const pair of reading) {
    signal.throwIfAborted();
    pairs.push(pair);
    if (pairs.length === limit) break;
  }
  const notes = [describeCounts(reading.counts), ...readingNotes(reading, values.format !== undefined)];
  for (const note of notes) stderr.write(`data: ${note}\n`);
  return { pairs, format: reading.format, records: reading.counts };
}

function optionsOf(values: PairFlagValues): PreferenceOptions {
  return {
    ...recordOptions(values),
    // The flags have checked the names.
    format: values.format as PreferenceFormat | undefined,
    pairing: values.pairing as PreferenceOptions['pairing'],
  };
}

/** The options of a reader from the flags that say how records are read, whatever they hold. */
export function recordOptions(
  values: Pick<PairFlagValues, 'column' | 'max-bad-records' | 'degenerate'>,
): Pick<PreferenceOptions, 'columns' | 'maxBadRecords' | 'degenerate'> {
  const limit = values['max-bad-records'];
  const columns = values.column.map(columnOf);
  return {
    // The flags have checked the name.
    degenerate: values.degenerate as PreferenceOptions['degenerate'],
    columns: columns.length === 0 ? undefined : Object.fromEntries(columns),
    maxBadRecords: limit === undefined ? undefined : wholeNumber('max-bad-records', limit, 0),
  };
}

/** A field and its column: a path, or a template where there are braces. */
function columnOf(text: string): [field: string, column: Column] {
  const [, field, source] = /^([a-z]+)=(.+)$/s.exec(text) ?? [];
  if (field === undefined || source === undefined) {
    throw new CliError(
      'usage',
      `--column is ${JSON.stringify(text)}`,
      'write it as FIELD=PATH, such as chosen=answer_good',
    );
  }
  return [field, source.includes('{') ? { template: source } : source];
}
