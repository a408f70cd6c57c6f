import { zip } from '@gram/base';

/** Distribution of the ratios of a step, before they are truncated. */
export type RatioSummary = {
  readonly mean: number;
  readonly least: number;
  readonly most: number;
  /** Root mean square of the logarithms of the ratios, in nats a token. */
  readonly spread: number;
  /** Share of the tokens whose ratio is beyond the cap. */
  readonly truncated: number;
  /**
   * Number of tokens with equal weights that would say as much, as a share of all: `(sum w)^2 / (n sum w^2)` of the weights `w`. It is 1
   * where nothing has to be corrected.
   */
  readonly effective: number;
};

/**
 * Computes the weights of the tokens of a response that another distribution drew than that of the policy which learns, such as the
 * policy with rounded matrices: truncated importance sampling (Ionides 2008).
 *
 *     w_t = min(cap, pi(y_t) / mu(y_t))
 *
 * The weight multiplies the loss of its token and has no gradient.
 *
 * @param logProbabilities log pi of each token, in nats
 * @param drawnWith log mu of each token
 * @param cap at least 1; it bounds the variance, at the price of a bias
 */
export function truncatedRatios(
  logProbabilities: readonly number[],
  drawnWith: readonly number[],
  cap: number,
): number[] {
  return zip(logProbabilities, drawnWith).map(([own, other]) => Math.min(cap, Math.exp(own - other)));
}

/**
 * Summarizes how far two distributions are apart at the tokens of a step.
 *
 * @param rows log pi - log mu of the tokens of each response, at least one token
 */
export function summarizeRatios(rows: readonly (readonly number[])[], cap: number): RatioSummary {
  const logs = rows.flat();
  const ratios = logs.map(Math.exp);
  const weights = ratios.map((ratio) => Math.min(cap, ratio));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    mean: mean(ratios),
    least: ratios.reduce((least, ratio) => Math.min(least, ratio), Number.POSITIVE_INFINITY),
    most: ratios.reduce((most, ratio) => Math.max(most, ratio), 0),
    spread: Math.sqrt(mean(logs.map((log) => log * log))),
    truncated: mean(ratios.map((ratio) => Number(ratio > cap))),
    effective: mean(weights) ** 2 / mean(weights.map((weight) => weight * weight)),
  };
}

/** Says in a sentence what the ratios of some steps were; undefined where there are none. */
export function describeRatios(steps: readonly { readonly importance?: RatioSummary }[]): string | undefined {
  const all = steps.flatMap(({ importance }) => importance ?? []);
  if (all.length === 0) return undefined;
  const mean = (of: (each: RatioSummary) => number) =>
    all.reduce((sum, each) => sum + of(each), 0) / all.length;
  const digits = (value: number) => String(Number(value.toPrecision(4)));
  const least = Math.min(...all.map((each) => each.least));
  const most = Math.max(...all.map((each) => each.most));
  const spread = Math.sqrt(mean((each) => each.spread ** 2));
  return `ratio of the policy to the rounded one at ${all.length} steps: ${digits(least)} to ${digits(most)}, mean ${digits(mean((each) => each.mean))}, spread ${digits(spread)} nats a token; ${digits(100 * mean((each) => each.truncated))} % of the tokens beyond the cap, and the weighted ones say as much as ${digits(100 * mean((each) => each.effective))} % of them`;
}
