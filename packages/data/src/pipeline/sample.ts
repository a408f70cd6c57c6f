import { DataError } from '../error.js';
import { placeOf } from './chance.js';
import { type DataRecord, promptDigest } from './record-texts.js';
import { type Step, screen } from './step.js';

/**
 * Keeps the records of a share of the prompts. A smaller share of the same seed is a subset of a larger one, so results of growing
 * shares can be compared. Records of one prompt stay together, and the order stays.
 *
 * @param share above 0, at most 1
 */
export function sampleShare<Item extends DataRecord>(share: number, seed: number): Step<Item> {
  if (!(share > 0 && share <= 1)) {
    throw new DataError(
      'bad-option',
      `the share of a sample is ${share}`,
      'give a number above 0, at most 1',
    );
  }
  return screen('sample', (record) =>
    placeOf(promptDigest(record), seed, 'sample') < share ? undefined : 'not-drawn',
  );
}

/**
 * Keeps a number of records, or all where there are fewer; nested, and by prompt, as `sampleShare` does: of the last prompt that is
 * drawn the first records count. It holds at most twice as many records, and gives them when all have been read.
 */
export function sampleCount<Item extends DataRecord>(count: number, seed: number): Step<Item> {
  checkCount('the number of records of a sample', count);
  return {
    name: 'sample',
    async *apply(items, drop) {
      let held: Drawn<Item>[] = [];
      const dropOthers = () => {
        // The order of the data decides within a prompt.
        held.sort((a, b) => a.place - b.place || a.at - b.at);
        for (const { item } of held.slice(count)) drop(item, 'not-drawn');
        held = held.slice(0, count);
      };
      let at = 0;
      for await (const item of items) {
        held.push({ item, place: placeOf(promptDigest(item), seed, 'sample'), at: at++ });
        if (held.length === 2 * count) dropOthers();
      }
      dropOthers();
      for (const { item } of held.sort((a, b) => a.at - b.at)) yield item;
    },
  };
}

/** A record that may be drawn: its place in the draw, and its position in the data. */
interface Drawn<Item> {
  readonly item: Item;
  readonly place: number;
  readonly at: number;
}

/**
 * Keeps the first record, and then every `stride`-th one. The 400k and 40k subsets of Unified-Feedback are every 2nd and every 20th of
 * its records without ties (Yang et al. 2024).
 */
export function everyNth<Item>(stride: number): Step<Item> {
  checkCount('the stride', stride);
  let at = 0;
  return screen('stride', () => (at++ % stride === 0 ? undefined : 'between-strides'));
}

/** Keeps the first records. */
export function first<Item>(count: number): Step<Item> {
  checkCount('the number of first records', count);
  let at = 0;
  return screen('first', () => (at++ < count ? undefined : 'after-the-first'));
}

function checkCount(what: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 1) return;
  throw new DataError('bad-option', `${what} is ${count}`, 'give a whole number of at least 1');
}
