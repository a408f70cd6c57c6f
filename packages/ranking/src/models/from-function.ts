import type { Comparison, ComparisonItem, RunOptions } from '../comparator/comparator.js';
import { RewardError } from '../comparator/error.js';
import { type RewardModel, rewardModelFromComparator } from './reward-model.js';

/**
 * A judge of pairs: it returns, for each item, the probability from 0 to 1 that `a` is preferred. It may be a rule, another
 * program or a model behind an interface of its own.
 */
export type JudgeFunction = (
  items: readonly ComparisonItem[],
  options: Pick<RunOptions, 'signal'>,
) => readonly number[] | Promise<readonly number[]>;

/**
 * Makes a reward model of a plain function. As with a generative model each pair is judged in both orders, in one call of the
 * function, and the probability is the mean: which response is called `a` makes no difference.
 *
 * `compare` throws RewardError `bad-values` where the function does not give a probability for each item, and what the function
 * throws.
 *
 * @example
 * const shorter = rewardModelFromFunction((items) => items.map(({ a, b }) => (a.length < b.length ? 0.7 : 0.3)));
 * const { order } = await shorter.rank('Name a prime.', ['seven', '7']);
 */
export function rewardModelFromFunction(judge: JudgeFunction): RewardModel {
  async function compare(
    items: readonly ComparisonItem[],
    { signal, onProgress }: RunOptions = {},
  ): Promise<Comparison[]> {
    signal?.throwIfAborted();
    const swapped = items.map((item) => ({ ...item, a: item.b, b: item.a }));
    const values: unknown = items.length === 0 ? [] : await judge([...items, ...swapped], { signal });
    signal?.throwIfAborted();
    const probabilities = checked(values, 2 * items.length);
    onProgress?.(items.length, items.length);
    const seconds = probabilities.slice(items.length);
    return probabilities.slice(0, items.length).map((first, index): Comparison => {
      const second = 1 - (seconds[index] ?? Number.NaN);
      return {
        probability: (first + second) / 2,
        orders: [first, second],
        consistent: Math.sign(first - 0.5) === Math.sign(second - 0.5),
        truncated: false,
        neutralized: false,
      };
    });
  }
  return rewardModelFromComparator({ compare });
}

function checked(values: unknown, count: number): readonly number[] {
  const fits = Array.isArray(values) && values.length === count;
  // Not find: it could not tell a value that is undefined from none.
  const wrong = fits ? values.findIndex((value) => !(value >= 0 && value <= 1)) : 0;
  if (fits && wrong < 0) return values;
  const what = fits
    ? `${String(values[wrong])}`
    : Array.isArray(values)
      ? `${values.length} values`
      : typeof values;
  throw new RewardError(
    'bad-values',
    `the function gave ${what} for ${count} items`,
    'return one probability from 0 to 1 for each item',
  );
}
