import { RewardError } from './error.js';
import { rank, score } from './rank.js';
import type { Comparison, ComparisonItem, RewardModel, RunOptions } from './reward-model.js';

/**
 * A judge of pairs: for each item the probability, from 0 to 1, that `a` is preferred. It may be a rule, another program or a
 * model behind an interface of its own.
 */
export type JudgeFunction = (
  items: readonly ComparisonItem[],
  options: Pick<RunOptions, 'signal'>,
) => readonly number[] | Promise<readonly number[]>;

/** The rest of a reward model around a `compare`. */
export function rewardModelOf(
  compare: RewardModel['compare'],
  rest: Partial<Pick<RewardModel, 'kind' | 'weightBytes' | 'dispose'>> = {},
): RewardModel {
  return {
    kind: 'generative',
    weightBytes: 0,
    dispose: () => {},
    ...rest,
    compare,
    rank: (prompt, responses, options) => rank({ compare }, prompt, responses, options),
    score: (prompt, response, reference, options) => score({ compare }, prompt, response, reference, options),
  };
}

/**
 * A reward model from a plain function. As with a generative model each pair is judged in both orders, in one call of the
 * function, and the probability is the mean: which response is called `a` makes no difference.
 *
 * `compare` throws RewardError `bad-values` where the function does not give a probability for each item, and what the function
 * throws.
 */
export function rewardModelFromFunction(judge: JudgeFunction): RewardModel {
  return rewardModelOf(async (items, { signal, onProgress } = {}) => {
    signal?.throwIfAborted();
    const swapped = items.map((item) => ({ ...item, a: item.b, b: item.a }));
    const values: unknown = items.length === 0 ? [] : await judge([...items, ...swapped], { signal });
    signal?.throwIfAborted();
    const probabilities = checked(values, 2 * items.length);
    onProgress?.(items.length, items.length);
    return items.map((_, index): Comparison => {
      const first = probabilities[index]!;
      const second = 1 - probabilities[items.length + index]!;
      return {
        probability: (first + second) / 2,
        orders: [first, second],
        consistent: Math.sign(first - 0.5) === Math.sign(second - 0.5),
        truncated: false,
        neutralised: false,
      };
    });
  });
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
    'Return one probability from 0 to 1 for each item.',
  );
}
