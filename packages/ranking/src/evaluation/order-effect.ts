import { meanOrNull } from '@gram/base';
import type { Comparison } from '../comparator/comparator.js';

/** Dependence of verdicts on the order of two responses. All but the count is null where nothing was judged in both orders. */
export interface OrderEffect {
  /** Number of comparisons that were judged in both orders, to which the other values refer. */
  readonly inBothOrders: number;
  /** Fraction of these on which both orders prefer the same response. */
  readonly consistency: number | null;
  /** Mean of P(a) with a shown first minus P(a) with a shown second: above 0 the model favors the first position. */
  readonly bias: number | null;
  /** Mean of the absolute value of that difference. */
  readonly absoluteBias: number | null;
}

/** Computes consistency and position bias over comparisons. */
export function orderEffect(comparisons: readonly Pick<Comparison, 'orders' | 'consistent'>[]): OrderEffect {
  const both = comparisons.flatMap(({ orders, consistent }) =>
    orders === undefined ? [] : [{ difference: orders[0] - orders[1], consistent }],
  );
  const differences = both.map(({ difference }) => difference);
  return {
    inBothOrders: both.length,
    consistency: meanOrNull(both.map(({ consistent }) => Number(consistent))),
    bias: meanOrNull(differences),
    absoluteBias: meanOrNull(differences.map(Math.abs)),
  };
}
