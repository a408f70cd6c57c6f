import type { Comparator, Comparison, ComparisonItem, RunOptions } from '../comparator/comparator.js';
import { RewardError } from '../comparator/error.js';
import { type RewardModel, rewardModelFromComparator } from './reward-model.js';

/** Options of `createEnsemble`. */
export interface EnsembleOptions {
  /** Weight of each model, at least 0; only their ratios matter. @default all the same */
  readonly weights?: readonly number[];
}

/** The comparison of one model of an ensemble, and how much it counts. */
interface Vote {
  readonly share: number;
  readonly comparison: Comparison;
}

/**
 * Combines several models to one: the probability is the weighted mean of theirs, order by order where all of them judge both
 * orders. A pair is consistent where the means of both orders prefer the same response, or, where some model has no orders,
 * every model is consistent; its text counts as cut or escaped where it was for any model. All models compare at the same time.
 * `dispose` frees none of them.
 *
 * @throws RewardError `bad-option`; `compare` throws what the first model to fail throws, and `bad-values` where a model gives
 * too few results
 */
export function createEnsemble(
  models: readonly Comparator[],
  { weights }: EnsembleOptions = {},
): RewardModel {
  const shares = normalized(weights ?? models.map(() => 1), models.length);

  async function compare(
    items: readonly ComparisonItem[],
    { signal, onProgress }: RunOptions = {},
  ): Promise<Comparison[]> {
    const done = models.map(() => 0);
    const results = await Promise.all(
      models.map((model, index) =>
        model.compare(items, {
          signal,
          onProgress: (count) => {
            done[index] = count;
            // An item is done when the last model has seen it.
            onProgress?.(Math.min(...done), items.length);
          },
        }),
      ),
    );
    return items.map((_, item) =>
      combined(shares.map((share, model) => ({ share, comparison: resultOf(results[model], item) }))),
    );
  }
  return rewardModelFromComparator({ compare });
}

function resultOf(results: readonly Comparison[] | undefined, item: number): Comparison {
  const found = results?.[item];
  if (found !== undefined) return found;
  const message = `a model of the ensemble gave no result for item ${item}`;
  throw new RewardError('bad-values', message, 'return one result for each item');
}

function combined(votes: readonly Vote[]): Comparison {
  const flags = {
    truncated: votes.some(({ comparison }) => comparison.truncated),
    neutralized: votes.some(({ comparison }) => comparison.neutralized),
  };
  const inOrders = votes.flatMap(({ share, comparison: { orders } }) =>
    orders === undefined ? [] : [{ share, orders }],
  );
  if (inOrders.length < votes.length) {
    const probability = votes.reduce((sum, { share, comparison }) => sum + share * comparison.probability, 0);
    return { probability, consistent: votes.every(({ comparison }) => comparison.consistent), ...flags };
  }
  const orders = [
    inOrders.reduce((sum, { share, orders: [first] }) => sum + share * first, 0),
    inOrders.reduce((sum, { share, orders: [, second] }) => sum + share * second, 0),
  ] as const;
  return {
    probability: (orders[0] + orders[1]) / 2,
    orders,
    consistent: Math.sign(orders[0] - 0.5) === Math.sign(orders[1] - 0.5),
    ...flags,
  };
}

function normalized(weights: readonly number[], count: number): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const valid = weights.every((weight) => weight >= 0) && sum > 0 && Number.isFinite(sum);
  if (weights.length === count && valid) return weights.map((weight) => weight / sum);
  throw new RewardError(
    'bad-option',
    count === 0 ? 'the ensemble has no models' : `the weights of ${count} models are ${weights.join(', ')}`,
    'give at least one model, and for each a weight of at least 0 that is not 0 for all',
  );
}
