import { differences, mean, meanOverSeedsAndItems } from '@gram/base';

/** Says which uncertainty the intervals of every study cover. */
export const INTERVALS =
  'Intervals are of 95 % over seeds and test items: what other seeds would give on other items of the same kind, not what other models or data would.';

/** Estimates a mean of one list of values for each seed, of the same items. One seed gives no interval. */
export function estimate(values) {
  if (values.length > 1) return meanOverSeedsAndItems(values);
  return { mean: mean(values[0]), interval: undefined };
}

/** Estimates the difference of two models that were measured on the same items with the same seeds. */
export function difference(first, second) {
  return estimate(differences(first, second));
}

/**
 * The difference that a study would find in four of five cases, from the interval that it has: 2.8 standard errors, of which the
 * half of an interval has 1.96. A larger one is likely to be found, a smaller one is not.
 */
export function detectable([low, high]) {
  return ((high - low) / 2) * (2.8 / 1.96);
}

/** Writes an estimate with its interval. */
export function withInterval({ mean: center, interval }, format) {
  if (interval === undefined) return `${format(center)} (one seed, no interval)`;
  return `${format(center)} (${interval.map(format).join(' to ')})`;
}

/** Says what a comparison that was declared beforehand found. */
export function verdict({ interval }, [first, second]) {
  if (interval === undefined) return 'One seed decides nothing.';
  const [low, high] = interval;
  if (low > 0) return `${first} is ahead.`;
  if (high < 0) return `${second} is ahead.`;
  return 'The interval holds 0: nothing is decided.';
}
