/** Names of the aggregations, see `LossAggregation`. */
export const lossAggregations = ['token', 'sequence', 'fixed'] as const;

/**
 * Mean over the response tokens of a gradient step that the policy loss is, with N responses of n_i tokens:
 *
 * - `token`: sum of all terms / sum of all n_i. Each token counts alike (DAPO, Yu et al. 2025, equation 12).
 * - `sequence`: sum_i (1 / N) (sum of the terms of i / n_i). Each response counts alike (GRPO, Shao et al. 2024, equation 3).
 * - `fixed`: sum of all terms / (N `maxNewTokens`). Neither length nor the other responses matter (Dr. GRPO, Liu et al. 2025).
 */
export type LossAggregation = (typeof lossAggregations)[number];

/** The weight of a response in a gradient step: the weights of all are the divisor of `tokenWeight`. */
export function responseWeight(aggregation: LossAggregation, tokens: number): number {
  return aggregation === 'token' ? tokens : 1;
}

/**
 * Weight of each token of a response in the loss of a gradient step.
 *
 * @param total sum of `responseWeight` over the responses of the step
 * @param lengths `tokens` of the response, and the most that it could have had
 */
export function tokenWeight(
  aggregation: LossAggregation,
  total: number,
  { tokens, maxNewTokens }: { readonly tokens: number; readonly maxNewTokens: number },
): number {
  if (aggregation === 'token') return 1 / total;
  return 1 / (total * (aggregation === 'sequence' ? tokens : maxNewTokens));
}
