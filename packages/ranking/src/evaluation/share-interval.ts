import { bootstrapInterval, type Interval, type Random } from '@gram/base';

/**
 * Estimates the 95 % confidence interval of a share, by `bootstrapInterval`. Where no value or every value counts, resamples
 * would all be equal; the interval is then the exact one (Clopper and Pearson 1934).
 *
 * @param values 0 or 1 each
 * @param random draws the resamples
 */
export function shareInterval(values: readonly number[], random: Pick<Random, 'integer'>): Interval {
  const count = values.reduce((sum, value) => sum + value, 0);
  const unseen = 1 - 0.025 ** (1 / values.length);
  if (count === 0 && values.length > 0) return [0, unseen];
  if (count === values.length && values.length > 0) return [1 - unseen, 1];
  return bootstrapInterval(values, random);
}
