const EPSILON = 1e-4;

/**
 * Computes leave-one-out advantages (RLOO; Kool et al. 2019, Ahmadian et al. 2024): each score minus the mean of the
 * other scores of the same prompt.
 *
 * A response without a score has no advantage and no part in the mean of the others. One that is the only one with a score has
 * nothing to be compared with: its advantage is null as well.
 *
 * @param scores scores of the responses to one prompt; null where there is none
 * @returns null for each response that is not learned from
 *
 * @example
 * ```ts
 * rlooAdvantages([1, null, 0]); // [1, null, -1]
 * ```
 */
export function rlooAdvantages<Score extends number | null>(scores: readonly Score[]): (Score | null)[] {
  return amongOthers(scores, (given) => {
    const sum = given.reduce((total, score) => total + score, 0);
    return (score) => score - (sum - score) / (given.length - 1);
  });
}

/** Options of `grpoAdvantages`. */
export interface GrpoOptions {
  /**
   * Divisor of the differences: the standard deviation of the group, or none (Dr. GRPO, Liu et al. 2025, which removes its bias towards
   * prompts whose rewards hardly vary). @default 'deviation'
   */
  readonly scale?: 'deviation' | 'none';
}

/**
 * Computes group-relative advantages (GRPO; Shao et al. 2024, section 4.1.2): each score minus the mean of the group,
 * divided by its standard deviation (with Bessel's correction) plus 1e-4. Equal scores give 0.
 *
 * Null has the meaning that it has for `rlooAdvantages`.
 *
 * @param scores scores of the responses to one prompt; null where there is none
 * @returns null for each response that is not learned from
 */
export function grpoAdvantages<Score extends number | null>(
  scores: readonly Score[],
  { scale = 'deviation' }: GrpoOptions = {},
): (Score | null)[] {
  return amongOthers(scores, (given) => {
    const mean = given.reduce((total, score) => total + score, 0) / given.length;
    const variance = given.reduce((total, score) => total + (score - mean) ** 2, 0) / (given.length - 1);
    const divisor = scale === 'none' ? 1 : Math.sqrt(variance) + EPSILON;
    return (score) => (score - mean) / divisor;
  });
}

/** Applies what `of` makes of the scores that are there to each of them; fewer than two have nothing to be compared with. */
function amongOthers<Score extends number | null>(
  scores: readonly Score[],
  of: (given: readonly number[]) => (score: number) => number,
): (Score | null)[] {
  const given = scores.filter((score) => score !== null);
  if (given.length < 2) return scores.map(() => null);
  const advantage = of(given);
  // Null stays null, and a number becomes a number.
  return scores.map((score) => (score === null ? null : (advantage(score) as Score)));
}
