import { quote } from '@gram/base';
import { DataError } from '../error.js';
import type { FileRecord } from '../files/records.js';
import type { Format, Kind } from '../format/format.js';
import { FORMATS, type FormatName, formatNames, formatsOf } from '../formats/index.js';

/** Finds the format that the fields of a record fit: the first one of the kinds, else the first one of all. */
export function recognizeFormat(from: FileRecord, kinds: readonly Kind[]): FormatName | undefined {
  const fitting = formatNames.filter((name) => FORMATS[name].fits(from));
  return fitting.find((name) => kinds.includes(FORMATS[name].holds)) ?? fitting[0];
}

/**
 * Finds the format of a file by one of its records.
 *
 * @param kinds what the format may hold
 * @throws {DataError} `unknown-format` where the fields fit no format, or one that does not hold what is needed
 */
export function formatOf(from: FileRecord, kinds: readonly Kind[]): FormatName {
  const name = recognizeFormat(from, kinds);
  if (name === undefined) {
    const fields = Object.keys(from.record).map(quote).join(', ');
    throw new DataError(
      'unknown-format',
      `cannot tell the format of ${from.where}, whose fields are ${fields || 'none'}`,
      `map its fields with columns, such as prompt and ${exampleField(kinds)}, or name one of the formats: ${formatsOf(kinds).join(', ')}`,
    );
  }
  const { holds, fields }: Format = FORMATS[name];
  if (kinds.includes(holds)) return name;
  throw new DataError(
    'unknown-format',
    `${from.where} fits the format ${name}, ${fields}, which holds ${NAMES[holds]} and not ${kinds.map((kind) => NAMES[kind]).join(', ')}`,
    `give another file, or map its fields with columns, such as prompt and ${exampleField(kinds)}`,
  );
}

const NAMES: Readonly<Record<Kind, string>> = {
  pair: 'judged pairs',
  ranking: 'ranked responses',
  list: 'responses without a judgment',
  label: 'labeled responses',
  demonstration: 'demonstrations',
  prompt: 'prompts',
  text: 'texts',
};

function exampleField(kinds: readonly Kind[]): string {
  return kinds.includes('demonstration') ? 'response' : 'chosen';
}
