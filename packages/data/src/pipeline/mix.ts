import { DataError } from '../error.js';

/** Records of one origin, and their weight in a mixture. */
export interface MixSource<Item> {
  readonly name: string;
  readonly items: Iterable<Item> | AsyncIterable<Item>;
  /** Relative to the weights of the others. */
  readonly weight: number;
}

/** Numbers of records of a source so far; `read` is `taken` and `left` together. */
export interface MixCounts {
  readonly name: string;
  readonly read: number;
  /** Number of records in the mixture. */
  readonly taken: number;
  /** Number of records that were left after another source had ended. */
  readonly left: number;
}

/** Records of several sources, once and one at a time. */
export interface Mixture<Item> extends AsyncIterable<Item> {
  /** Counts of each source; `left` is complete when the mixture has ended. */
  readonly counts: readonly MixCounts[];
}

/**
 * Mixes sources so that after any number n of records each source with the share w has given w n of them, to within one. The order
 * within a source stays. The mixture ends with the first source whose turn it is and that has ended: no record is taken twice. What
 * is left of the others is read and counted.
 *
 * @throws {DataError} `bad-option` for no source, and a weight that is not positive
 */
export function mix<Item>(sources: readonly MixSource<Item>[]): Mixture<Item> {
  const total = sources.reduce((sum, { weight }) => sum + weight, 0);
  const bad = sources.find(({ weight }) => !(weight > 0 && Number.isFinite(weight)));
  if (bad !== undefined || sources.length === 0) {
    throw new DataError(
      'bad-option',
      bad === undefined ? 'a mixture has no source' : `the weight of ${bad.name} is ${bad.weight}`,
      'give one source or more, each with a positive weight',
    );
  }
  const states = sources.map(({ name, items, weight }) => ({
    share: weight / total,
    iterator: iterate(items),
    count: { name, read: 0, taken: 0, left: 0 },
  }));
  async function* mixed(): AsyncGenerator<Item, void, undefined> {
    for (let n = 1; ; n++) {
      const lag = (state: (typeof states)[number]) => state.share * n - state.count.taken;
      const next = states.reduce((most, state) => (lag(state) > lag(most) ? state : most));
      const { done, value } = await next.iterator.next();
      if (done) break;
      next.count.read++;
      next.count.taken++;
      yield value;
    }
    for (const { iterator, count } of states) {
      for await (const _ of iterator) {
        count.read++;
        count.left++;
      }
    }
  }
  return { counts: states.map(({ count }) => count), [Symbol.asyncIterator]: mixed };
}

async function* iterate<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
): AsyncGenerator<Item, void, undefined> {
  yield* items;
}
