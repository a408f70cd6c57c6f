import { DataError } from '../error.js';
import { garbleOf } from '../text/garble.js';
import { loadLanguageDetector } from '../text/language.js';
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
  return filterBySize('characters', bounds, (text) => text.length);
}

/**
 * Leaves out records whose prompt and responses together are too short or too long, in tokens. What a judging prompt or a chat
 * template adds is not counted.
 *
 * @param countTokens number of tokens of a text, for instance by a tokenizer of `@gram/tokenize`
 */
export function filterByTokens<Item extends DataRecord>(
  bounds: Bounds,
  countTokens: (text: string) => number | Promise<number>,
): Step<Item> {
  return filterBySize('tokens', bounds, countTokens);
}

function filterBySize<Item extends DataRecord>(
  unit: string,
  { least = 0, most = Number.POSITIVE_INFINITY }: Bounds,
  sizeOf: (text: string) => number | Promise<number>,
): Step<Item> {
  if (!(least >= 0) || !(most >= least)) {
    throw new DataError(
      'bad-option',
      `a filter keeps from ${least} to ${most} ${unit}`,
      'give a smallest size of 0 or more, and a largest one that is not below it',
    );
  }
  return screen(unit, async (record) => {
    const sizes = await Promise.all(textsOf(record).map(sizeOf));
    const size = sizes.reduce((sum, one) => sum + one, 0);
    return size < least ? 'too-short' : size > most ? 'too-long' : undefined;
  });
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
