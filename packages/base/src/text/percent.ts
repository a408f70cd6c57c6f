/**
 * Formats a share of 0 to 1 as a percentage with one digit after the point; null, which stands for an unknown share,
 * becomes the empty text.
 *
 * @example
 * ```ts
 * formatPercent(0.1234); // "12.3 %"
 * ```
 */
export function formatPercent(share: number | null): string {
  return share === null ? '' : `${(100 * share).toFixed(1)} %`;
}

/** Formats the two ends of an interval of shares, as in "12.3 % to 45.6 %". */
export function formatPercentRange([low, high]: readonly [number, number]): string {
  return `${formatPercent(low)} to ${formatPercent(high)}`;
}
