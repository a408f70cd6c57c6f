const EPSILON = 1e-8;

/**
 * Shifts and scales numbers to mean 0 and variance 1 over all rows together:
 *
 *     (a - mean) / sqrt(var + 1e-8), var with Bessel's correction
 *
 * One number alone becomes 0.
 *
 * @param rows advantages of the tokens of each response
 */
export function whiten(rows: readonly (readonly number[])[]): number[][] {
  const all = rows.flat();
  const mean = all.reduce((sum, a) => sum + a, 0) / all.length;
  const variance = all.reduce((sum, a) => sum + (a - mean) ** 2, 0) / Math.max(1, all.length - 1);
  const scale = 1 / Math.sqrt(variance + EPSILON);
  return rows.map((row) => row.map((a) => (a - mean) * scale));
}
