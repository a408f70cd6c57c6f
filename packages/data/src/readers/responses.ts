import { type Answer, createRandom } from '@gram/base';
import { DataError } from '../error.js';
import { type FileRecord, readRecords } from '../files/read-records.js';
import { JUDGED, namesOf, UNJUDGED } from '../formats/index.js';
import { type PairingOptions, shufflePair } from '../formats/outputs.js';
import type { PreferencePair, ResponsePair } from '../records.js';
import { type PreferenceFormat, preferenceFormats, readPreferences } from './preferences.js';
import { emptyText, isNameOf, type ReadOptions, unknownFormat } from './read-format.js';

/** The name of a file format that pairs of responses can be read from; `responseFormats` lists them. */
export type ResponseFormat = keyof typeof UNJUDGED | PreferenceFormat;

/** The names of the formats of unjudged responses, and of those of judged pairs. */
export const responseFormats: readonly ResponseFormat[] = [...namesOf(UNJUDGED), ...preferenceFormats];

/** Options of `readResponsePairs`. */
export interface ResponseOptions extends ReadOptions {
  /**
   * Decides which pairs are taken and the order within a pair.
   *
   * @default 0
   */
  readonly seed?: number;
  /**
   * Largest number of pairs of a record with more than two responses.
   *
   * @default 1
   */
  readonly pairsPerPrompt?: number;
}

/**
 * Reads pairs of responses without a judgment, one at a time. Judged pairs lose their label: the order of their two
 * responses is a coin toss.
 *
 * @throws {DataError} `unknown-format`, `bad-option`, and the errors of `readPreferences`
 */
export function readResponsePairs(
  path: string,
  format: ResponseFormat,
  options: ResponseOptions = {},
): AsyncIterable<ResponsePair> {
  const { seed = 0, pairsPerPrompt = 1, ...readOptions } = options;
  if (!Number.isSafeInteger(pairsPerPrompt) || pairsPerPrompt < 1) {
    throw new DataError('bad-option', `pairsPerPrompt is ${pairsPerPrompt}`, 'give a positive integer');
  }
  if (isNameOf(JUDGED, format)) return dropLabels(readPreferences(path, format, readOptions), seed);
  if (!isNameOf(UNJUDGED, format)) throw unknownFormat(format, responseFormats);
  return parseAll(path, UNJUDGED[format], { seed, pairsPerPrompt, ...readOptions });
}

async function* dropLabels(pairs: AsyncIterable<PreferencePair>, seed: number): AsyncGenerator<ResponsePair> {
  const random = createRandom(seed, 'order');
  for await (const { chosen, rejected, margin: _, ...rest } of pairs) {
    yield { ...rest, responses: shufflePair<Answer>(random, [chosen, rejected]) };
  }
}

async function* parseAll(
  path: string,
  parse: (from: FileRecord, options: PairingOptions) => readonly ResponsePair[],
  { onDrop, ...options }: PairingOptions & ReadOptions,
): AsyncGenerator<ResponsePair> {
  for await (const from of readRecords(path)) {
    const pairs = parse(from, options);
    const [first] = pairs;
    if (first === undefined) onDrop?.(from.where, 'equal-responses');
    else if (emptyText(first.prompt, []) !== undefined) onDrop?.(from.where, 'empty-prompt');
    else yield* pairs;
  }
}
