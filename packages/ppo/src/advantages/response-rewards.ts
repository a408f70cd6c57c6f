/**
 * Computes the reward of each token of a response: the negative weighted KL estimate everywhere, and the response's score
 * on top at the last token. Summed over a response this is the paper's objective (equation 17).
 *
 *     r_t = -alpha kl_t + [t is the last] score
 *
 * @param score standardized and scaled
 * @param kl estimate at each token
 * @param klWeight alpha
 */
export function responseRewards(score: number, kl: readonly number[], klWeight: number): number[] {
  return kl.map((estimate, t) => (t === kl.length - 1 ? score : 0) - klWeight * estimate);
}
