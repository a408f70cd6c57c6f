import { createRandom } from '@gram/base';
import { DataError } from '../error.js';
import type { FileRecord } from '../files/records.js';
import { type FormatNameOf, formatsOf } from '../formats/index.js';
import type { ResponseList, ResponsePair } from '../records.js';
import type { DropReason, Reading, ReadOptions } from './options.js';
import { drawPairs, shufflePair } from './pairing.js';
import { createReading } from './reading.js';

/** The name of a format with two or more responses to a prompt; `responseFormats` lists them. */
export type ResponseFormat = FormatNameOf<'pair' | 'ranking' | 'list'>;

/** The names of the formats with two or more responses to a prompt. */
export const responseFormats: readonly ResponseFormat[] = formatsOf(['pair', 'ranking', 'list']);

/** Options of `readResponsePairs`. */
export interface ResponseOptions extends ReadOptions<ResponseFormat> {
  /**
   * Decides which pairs are taken and the order within a pair.
   *
   * @default 0
   */
  readonly seed?: number | undefined;
  /**
   * Largest number of pairs of a record with more than two responses.
   *
   * @default 1
   */
  readonly pairsPerPrompt?: number | undefined;
}

/**
 * Reads pairs of responses without a judgment, one at a time. Judged pairs lose their label: the order of their two responses is
 * a coin toss. Of more responses it draws `pairsPerPrompt` of the pairs, all equally likely; their ids end in `/1`, `/2` and so
 * on.
 *
 * @throws {DataError} `unknown-format`, `bad-option`, and the errors of `readPreferences`
 */
export function readResponsePairs(path: string, options: ResponseOptions = {}): Reading<ResponsePair> {
  const { seed = 0, pairsPerPrompt = 1 } = options;
  if (!Number.isSafeInteger(pairsPerPrompt) || pairsPerPrompt < 1) {
    throw new DataError('bad-option', `pairsPerPrompt is ${pairsPerPrompt}`, 'give a positive integer');
  }
  const order = createRandom(seed, 'order');
  const draw = (list: ResponseList, { number }: FileRecord): readonly ResponsePair[] | DropReason => {
    const pairs = drawPairs(list, pairsPerPrompt, createRandom(seed, 'pairs', number));
    return pairs.length > 0 ? pairs : 'equal-responses';
  };
  return createReading<ResponsePair>(
    path,
    {
      pair: ({ chosen, rejected, margin: _, ...rest }) => [
        { ...rest, responses: shufflePair(order, [chosen, rejected]) },
      ],
      ranking: draw,
      list: draw,
    },
    options,
  );
}
