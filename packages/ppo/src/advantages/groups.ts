const EPSILON = 1e-4;

/**
 * Computes leave-one-out advantages (RLOO; Kool et al. 2019, Ahmadian et al. 2024): each score minus the mean of the
 * other scores of the same prompt.
 *
 * @param scores scores of at least two responses to one prompt
 */
export function rlooAdvantages(scores: readonly number[]): number[] {
  const sum = scores.reduce((total, score) => total + score, 0);
  return scores.map((score) => score - (sum - score) / (scores.length - 1));
}

/**
 * Computes group-relative advantages (GRPO; Shao et al. 2024, section 4.1.2): each score minus the mean of the group,
 * divided by its standard deviation (with Bessel's correction) plus 1e-4. Equal scores give 0.
 *
 * @param scores scores of at least two responses to one prompt
 */
export function grpoAdvantages(scores: readonly number[]): number[] {
  const mean = scores.reduce((total, score) => total + score, 0) / scores.length;
  const variance = scores.reduce((total, score) => total + (score - mean) ** 2, 0) / (scores.length - 1);
  return scores.map((score) => (score - mean) / (Math.sqrt(variance) + EPSILON));
}
