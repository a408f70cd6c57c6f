import { type Judged, meanOrNull } from './result.js';

/** How much verdicts depend on the order of two responses. */
export interface OrderEffect {
  /** Part of the comparisons on which both orders prefer the same response. */
  readonly consistency: number;
  /** Mean of P(a) with a shown first minus P(a) with a shown second: above 0 the first place is liked better. */
  readonly bias: number | null;
  /** Mean of the absolute value of that difference. */
  readonly absoluteBias: number | null;
}

/** Consistency and position bias over all comparisons of the results; the biases are null for a model without orders. */
export function orderEffect(results: readonly Judged[]): OrderEffect {
  const comparisons = results.flatMap((result) => result.comparisons);
  const differences = comparisons.flatMap(({ orders }) =>
    orders === undefined ? [] : [orders[0] - orders[1]],
  );
  return {
    consistency: meanOrNull(comparisons.map(({ consistent }) => Number(consistent))) ?? 1,
    bias: meanOrNull(differences),
    absoluteBias: meanOrNull(differences.map(Math.abs)),
  };
}
