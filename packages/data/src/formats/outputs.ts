import { createRandom } from '@gram/base';
import { badField, idOf, optionalText, textField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/read-records.js';
import type { ResponsePair } from '../records.js';

/** Options of formats that hold more pairs than are taken. */
export interface PairingOptions {
  readonly seed: number;
  /** Largest number of pairs of a record. */
  readonly pairsPerPrompt: number;
}

/**
 * Reads `{ instruction, outputs: { model: text }, id?, dataset? }`, the answers of n models to one prompt.
 *
 * It takes `pairsPerPrompt` of the n (n - 1) / 2 pairs, all equally likely, and leaves out empty texts and pairs of equal ones; their ids
 * end in `/1`, `/2` and so on. A record without two different texts gives no pair.
 */
export function outputs(from: FileRecord, { seed, pairsPerPrompt }: PairingOptions): ResponsePair[] {
  const prompt = textField(from, 'instruction');
  const answers = valueAt(from, 'outputs');
  const refuse = () => badField(from, 'outputs', 'an object of texts');
  if (typeof answers !== 'object' || answers === null || Array.isArray(answers)) throw refuse();
  const values: unknown[] = Object.values(answers);
  const texts = [...new Set(values)]
    .map((text) => {
      if (typeof text !== 'string') throw refuse();
      return text;
    })
    .filter((text) => text.trim() !== '');
  const random = createRandom(seed, 'pairs', from.number);
  const pairs = texts.flatMap((first, at) => texts.slice(at + 1).map((second) => [first, second] as const));
  const [id, family] = [idOf(from), optionalText(from, 'dataset')];
  return random
    .shuffle(pairs)
    .slice(0, pairsPerPrompt)
    .map((pair, at) => ({ id: `${id}/${at + 1}`, prompt, responses: shufflePair(random, pair), family }));
}

/** Puts two texts in random order. */
export function shufflePair<Item>(
  random: { shuffle<T>(items: readonly T[]): T[] },
  [first, second]: readonly [Item, Item],
): [Item, Item] {
  return random.shuffle([first, second])[0] === first ? [first, second] : [second, first];
}
