/** Largest difference of scores, relative to the largest one or to 1, that is taken for the rounding of a judge. */
const ROUNDING = 1e-6;

/**
 * Whether scores say which responses are better: two of them differ by more than 1e-6 of the largest one, or of 1.
 *
 * @param scores null where there is none
 */
export function vary(scores: readonly (number | null)[]): boolean {
  const given = scores.filter((score) => score !== null);
  if (given.length < 2) return false;
  const [least, most] = [Math.min(...given), Math.max(...given)];
  return most - least > ROUNDING * Math.max(1, Math.abs(least), Math.abs(most));
}
