import { createRandom } from '@gram/base';
import { DataError } from '../error.js';
import type { ResponsePair } from '../records.js';
import { badField, idOf, optionalText, textField, valueAt } from './fields.js';
import {
  type PreferenceFormat,
  preferenceFormats,
  type ReadOptions,
  readPreferences,
  unknownFormat,
} from './preferences.js';
import { readRecords } from './records.js';

/** Name of a file format that pairs of responses can be read from. */
export type ResponseFormat = 'outputs' | PreferenceFormat;

/** `outputs` (`{ instruction, outputs: { model: text }, id?, dataset? }`) and the formats of judged pairs. */
export const responseFormats: readonly ResponseFormat[] = ['outputs', ...preferenceFormats];

export interface ResponseOptions extends ReadOptions {
  /** Decides which pairs are taken and the order within a pair; default 0. */
  readonly seed?: number;
  /** Pairs of an `outputs` record at most; default 1. */
  readonly pairsPerPrompt?: number;
}

/**
 * Reads pairs of responses without a judgement, one at a time.
 *
 * Of an `outputs` record with n models it takes `pairsPerPrompt` of the n (n - 1) / 2 pairs, all equally likely,
 * leaving out pairs of equal texts; their ids end in `/1`, `/2` and so on. Judged pairs lose their label: the
 * order of the two responses is a coin toss.
 *
 * @throws {DataError} `unknown-format`, `bad-option`, and the errors of `readPreferences`
 */
export function readResponsePairs(
  path: string,
  format: ResponseFormat,
  options: ResponseOptions = {},
): AsyncIterable<ResponsePair> {
  if (!responseFormats.includes(format)) throw unknownFormat(format, responseFormats);
  const { pairsPerPrompt = 1 } = options;
  if (!Number.isSafeInteger(pairsPerPrompt) || pairsPerPrompt < 1) {
    throw new DataError('bad-option', `pairsPerPrompt is ${pairsPerPrompt}`, 'Give a positive integer.');
  }
  return format === 'outputs'
    ? pairOutputs(path, pairsPerPrompt, options)
    : dropLabels(path, format, options);
}

async function* dropLabels(
  path: string,
  format: PreferenceFormat,
  options: ResponseOptions,
): AsyncGenerator<ResponsePair> {
  const random = createRandom(options.seed ?? 0, 'order');
  for await (const { chosen, rejected, margin: _, ...rest } of readPreferences(path, format, options)) {
    yield { ...rest, responses: random.shuffle([chosen, rejected]) as [string, string] };
  }
}

async function* pairOutputs(
  path: string,
  pairsPerPrompt: number,
  { seed = 0, dropped }: ResponseOptions,
): AsyncGenerator<ResponsePair> {
  for await (const from of readRecords(path)) {
    const prompt = textField(from, 'instruction');
    const outputs = valueAt(from, 'outputs');
    if (typeof outputs !== 'object' || outputs === null || Array.isArray(outputs)) {
      throw badField(from, 'outputs', 'an object of texts');
    }
    const texts = [...new Set(Object.values(outputs))];
    if (texts.some((text) => typeof text !== 'string')) throw badField(from, 'outputs', 'an object of texts');
    if (texts.length < 2) {
      dropped?.(from.where, 'equal-responses');
      continue;
    }
    const random = createRandom(seed, 'pairs', from.number);
    const pairs = texts.flatMap((first, at) => texts.slice(at + 1).map((second) => [first, second]));
    const [id, family] = [idOf(from), optionalText(from, 'dataset')];
    for (const [at, pair] of random.shuffle(pairs).slice(0, pairsPerPrompt).entries()) {
      const responses = random.shuffle(pair) as [string, string];
      yield { id: `${id}/${at + 1}`, prompt, responses, family };
    }
  }
}
