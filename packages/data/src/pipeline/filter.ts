import type { SharedWork } from '@gram/base';
import { DataError } from '../error.js';
import { garbleOf } from '../text/garble.js';
import { loadLanguageDetector } from '../text/language.js';
import { withTokenCounts } from './chunks.js';
import { type DataRecord, textsOf } from './record-texts.js';
import { type Step, screen } from './step.js';

/** Smallest and largest size, both allowed. */
export interface Bounds {
  /** @default 0 */
  readonly least?: number | undefined;
  /** @default no bound */
  readonly most?: number | undefined;
}

/** Leaves out records whose prompt and responses together are too short or too long, in characters (UTF-16 code units). */
export function filterByCharacters<Item extends DataRecord>(bounds: Bounds): Step<Item> {
  return filterBySize('characters', bounds, async function* (items) {
    for await (const item of items) yield { item, size: sumOf(textsOf(item).map(({ length }) => length)) };
  });
}

/**
 * Leaves out records whose prompt and responses together are too short or too long, in tokens. What a judging prompt or a chat
 * template adds is not counted.
 *
 * @param openCounter makes what counts the tokens of texts, which is closed after the last record, such as `createTokenCounter` of
 *   `@gram/tokenize`
 */
export function filterByTokens<Item extends DataRecord>(
  bounds: Bounds,
  openCounter: () => SharedWork<readonly string[], readonly number[]>,
): Step<Item> {
  return filterBySize('tokens', bounds, async function* (items) {
    for await (const { item, counts } of withTokenCounts(items, openCounter())) {
      yield { item, size: sumOf(counts) };
    }
  });
}

/** A record and its size. */
interface Measured<Item> {
  readonly item: Item;
  readonly size: number;
}

function filterBySize<Item>(
  unit: string,
  { least = 0, most = Number.POSITIVE_INFINITY }: Bounds,
  measure: (items: AsyncIterable<Item>) => AsyncIterable<Measured<Item>>,
): Step<Item> {
  if (!(least >= 0) || !(most >= least)) {
    throw new DataError(
      'bad-option',
      `a filter keeps from ${least} to ${most} ${unit}`,
      'give a smallest size of 0 or more, and a largest one that is not below it',
    );
  }
  return {
    name: unit,
    async *apply(items, drop) {
      for await (const { item, size } of measure(items)) {
        if (size < least) drop(item, 'too-short');
        else if (size > most) drop(item, 'too-long');
        else yield item;
      }
    },
  };
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Leaves out records with a garbled prompt or response; see `garbleOf` for the rules, which are the reasons. */
export function filterGarble<Item extends DataRecord>(): Step<Item> {
  return screen('garble', (record) => {
    for (const text of textsOf(record)) {
      const reason = garbleOf(text);
      if (reason !== undefined) return reason;
    }
    return undefined;
  });
}

/**
 * Leaves out records in other languages, whose codes are the reasons. The language is that of all texts of a record together. A
 * record whose language cannot be told, as in code and in short texts, is kept.
 *
 * @param languages codes of ISO 639-1, such as `en`
 */
export async function filterByLanguage<Item extends DataRecord>(
  languages: readonly string[],
): Promise<Step<Item>> {
  const bad = languages.find((language) => !/^[a-z]{2,3}$/.test(language));
  if (bad !== undefined || languages.length === 0) {
    throw new DataError(
      'bad-option',
      bad === undefined ? 'no language is named' : `there is no language ${JSON.stringify(bad)}`,
      'give codes of ISO 639-1, such as en, de or zh',
    );
  }
  const detect = await loadLanguageDetector();
  return screen('language', (record) => {
    const language = detect(textsOf(record).join('\n'));
    return language === undefined || languages.includes(language) ? undefined : `in ${language}`;
  });
}
