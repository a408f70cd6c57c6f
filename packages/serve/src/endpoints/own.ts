import { type Comparison, type ComparisonItem, rankCost, rank as rankResponses } from '@gram/ranking';
import type { Shapes } from './schemas.js';
import { checkComparisons, type Work } from './scores.js';

type Request<Name extends keyof Shapes> = ReturnType<Shapes[Name]['parse']>;

/** `POST /v1/compare`: which of two responses is better, for a list of pairs. */
export async function compare({ pairs }: Request<'compare'>, work: Work): Promise<object> {
  const items = pairs.map((pair, index): ComparisonItem => ({ id: `pairs[${index}]`, ...pair }));
  const results = await work.compare(items);
  return { model: work.name, results: results.map(verdict) };
}

/**
 * `POST /v1/rank`: responses to one prompt in order, with every pair that was compared for it. All pairs of up to 16 responses
 * are compared, and fewer of more: the strategy `auto` of `rank`.
 */
export async function rank({ prompt, responses }: Request<'rank'>, work: Work): Promise<object> {
  checkComparisons(rankCost(work, responses.length).comparisons, work.limits);
  const pairs: object[] = [];
  const { order, scores, comparisons } = await rankResponses(work, prompt, responses, {
    onComparison: ({ pair: [a, b], comparison }) => pairs.push({ a, b, ...verdict(comparison) }),
  });
  return { model: work.name, order, scores, comparisons, pairs };
}

/** Returns the indices of scores, best first; of equals, the earlier one first. */
export function bestFirst(scores: readonly number[]): number[] {
  // Sums in another order differ in their last digits, which shall not decide between equals.
  const rounded = scores.map((score, index) => ({ index, score: Math.round(score * 1e12) }));
  return rounded.sort((a, b) => b.score - a.score || a.index - b.index).map(({ index }) => index);
}

/** The documented fields alone, whatever else a model returns. */
function verdict({ probability, orders, consistent, truncated, neutralized }: Comparison) {
  return { probability, orders, consistent, truncated, neutralized };
}
