import { RewardError } from './error.js';
import { rewardModelOf } from './from-function.js';
import type { Comparator, Comparison, RewardModel } from './reward-model.js';

/** Options of `ensembleOf`. */
export interface EnsembleOptions {
  /** How much each model counts, at least 0; only their ratios matter. @default all the same */
  readonly weights?: readonly number[];
}

/**
 * Several models as one: the weighted mean of their probabilities, order by order where all of them judge both orders. A pair is
 * consistent where the means of both orders prefer the same response, or, where some model has no orders, every model is
 * consistent; it is cut or escaped where it was for any model. All models compare at the same time. `dispose` frees none of them.
 *
 * @throws RewardError `bad-option`; `compare` throws what the first model to fail throws
 */
export function ensembleOf(models: readonly Comparator[], { weights }: EnsembleOptions = {}): RewardModel {
  const shares = normalised(weights ?? models.map(() => 1), models.length);
  return rewardModelOf(async (items, { signal, onProgress } = {}) => {
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
    return items.map((_, index) => combined(results.map((each) => each[index]!)));
  });

  function combined(comparisons: readonly Comparison[]): Comparison {
    const mean = (value: (comparison: Comparison) => number) =>
      comparisons.reduce((sum, comparison, index) => sum + shares[index]! * value(comparison), 0);
    const flags = {
      truncated: comparisons.some(({ truncated }) => truncated),
      neutralised: comparisons.some(({ neutralised }) => neutralised),
    };
    if (comparisons.some(({ orders }) => orders === undefined)) {
      const consistent = comparisons.every((comparison) => comparison.consistent);
      return { probability: mean(({ probability }) => probability), consistent, ...flags };
    }
    const orders = [mean(({ orders: both }) => both![0]), mean(({ orders: both }) => both![1])] as const;
    return {
      probability: (orders[0] + orders[1]) / 2,
      orders,
      consistent: Math.sign(orders[0] - 0.5) === Math.sign(orders[1] - 0.5),
      ...flags,
    };
  }
}

function normalised(weights: readonly number[], count: number): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const valid = weights.every((weight) => weight >= 0) && sum > 0 && Number.isFinite(sum);
  if (weights.length === count && valid) return weights.map((weight) => weight / sum);
  throw new RewardError(
    'bad-option',
    count === 0 ? 'the ensemble has no models' : `the weights of ${count} models are ${weights.join(', ')}`,
    'Give at least one model, and for each a weight of at least 0 that is not 0 for all.',
  );
}
