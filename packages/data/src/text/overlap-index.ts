import { shingles } from './shingles.js';
import { hashWords, normalizedText } from './words.js';

/** Words of a run that two texts may share. */
const RUN = 8;
/** Share of the runs of a text that another one must have to hold it. */
const HELD = 0.8;
/** Largest number of texts with a run that still tells them from others; more are boilerplate, such as a template. */
const MOST_WITH_RUN = 10;

/** A text of the index that another text repeats. */
export interface Overlap {
  /** Number of the text, in the order in which the texts were given. */
  readonly at: number;
  /** Whether the texts are equal but for case and white space; else most runs of words of one are in the other. */
  readonly isEqual: boolean;
}

/** Finds the texts of an index that others repeat. */
export interface OverlapIndex {
  /** Number of different texts. */
  readonly size: number;
  /** The different texts. */
  readonly texts: readonly string[];
  /**
   * Lists the texts that are repeated.
   *
   * @param candidates texts that may equal one of the index
   * @param whole text that may hold one of the index
   */
  find(candidates: readonly string[], whole: string): readonly Overlap[];
}

/**
 * Makes an index of texts. A text is repeated where another one equals it but for case and white space, or holds at least 80 % of its
 * runs of 8 words. Runs that more than 10 texts of the index have are not counted, and texts of fewer than 8 words are found by
 * equality alone. Equal texts count once.
 */
export function createOverlapIndex(given: Iterable<string>): OverlapIndex {
  const numbers = new Map<string, number>();
  const texts: string[] = [];
  for (const text of given) {
    const key = normalizedText(text);
    if (key === '' || numbers.has(key)) continue;
    numbers.set(key, texts.length);
    texts.push(text);
  }
  const { holders, needed } = indexRuns(texts);
  return {
    size: texts.length,
    texts,
    find(candidates, whole) {
      const found = new Map<number, Overlap>();
      for (const candidate of candidates) {
        const at = numbers.get(normalizedText(candidate));
        if (at !== undefined) found.set(at, { at, isEqual: true });
      }
      const held = shingles(hashWords(whole), RUN).filter((run) => holders.has(run));
      const counts = new Map<number, number>();
      for (const run of new Set(held)) {
        for (const at of holders.get(run) ?? []) counts.set(at, (counts.get(at) ?? 0) + 1);
      }
      for (const [at, count] of counts) {
        if (!found.has(at) && count >= (needed[at] ?? Number.POSITIVE_INFINITY)) {
          found.set(at, { at, isEqual: false });
        }
      }
      return [...found.values()].sort((a, b) => a.at - b.at);
    },
  };
}

/** The texts that have each run, and how many of its runs another text needs to hold each text. */
function indexRuns(texts: readonly string[]): {
  readonly holders: ReadonlyMap<number, readonly number[]>;
  readonly needed: readonly number[];
} {
  const holders = new Map<number, number[]>();
  for (const [at, text] of texts.entries()) {
    const words = hashWords(text);
    if (words.length < RUN) continue;
    for (const run of new Set(shingles(words, RUN))) {
      const list = holders.get(run);
      if (list === undefined) holders.set(run, [at]);
      else list.push(at);
    }
  }
  const runs = texts.map(() => 0);
  for (const [run, list] of holders) {
    if (list.length > MOST_WITH_RUN) holders.delete(run);
    else for (const at of list) runs[at] = (runs[at] ?? 0) + 1;
  }
  return { holders, needed: runs.map((count) => Math.ceil(HELD * count)) };
}
