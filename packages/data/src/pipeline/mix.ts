import { DataError } from '../error.js';
import { counted, type Step } from './step.js';

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

/** Options of `mix`. */
export interface MixOptions<Item> {
  /** Receives each record that was left after another source had ended, with the name of its source. */
  readonly onLeft?: ((item: Item, name: string) => void) | undefined;
}

/**
 * Mixes sources so that after any number n of records each source with the share w has given w n of them, to within one. The order
 * within a source stays. The mixture ends with the first source whose turn it is and that has ended: no record is taken twice. What
 * is left of the others is read and counted.
 *
 * @throws {DataError} `bad-option` for no source, and a weight that is not positive
 */
export function mix<Item>(
  sources: readonly MixSource<Item>[],
  { onLeft }: MixOptions<Item> = {},
): Mixture<Item> {
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
      for await (const item of iterator) {
        count.read++;
        count.left++;
        onLeft?.(item, count.name);
      }
    }
  }
  return { counts: states.map(({ count }) => count), [Symbol.asyncIterator]: mixed };
}

/**
 * Makes a step that mixes records of other sources into those that it is given, as `mix` does. What is left is counted as dropped,
 * and `read` counts the records of all sources.
 *
 * @param weight of the records that the step is given
 * @throws {DataError} `bad-option` for a weight that is not positive
 */
export function mixWith<Item>(others: readonly MixSource<Item>[], weight: number): Step<Item> {
  // The weights are checked before anything is read.
  mix([{ name: 'the records', items: [], weight }, ...others]);
  return {
    name: 'mix',
    apply(items, drop, meet) {
      const met = others.map((source) => ({ ...source, items: counted(source.items, meet) }));
      return mix([{ name: 'the records', items, weight }, ...met], {
        onLeft: (item, name) => drop(item, `left of ${name}`),
      });
    },
  };
}

async function* iterate<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
): AsyncGenerator<Item, void, undefined> {
  yield* items;
}
