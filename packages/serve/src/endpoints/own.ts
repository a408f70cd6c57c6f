import type { Answer, Prompt } from '@gram/base';
import {
  type Comparison,
  type ComparisonItem,
  rankCost,
  rank as rankResponses,
  recordFlags,
  sigmoid,
} from '@gram/ranking';
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
 * are compared, and fewer of more: the strategy `auto` of `rank`. A model with rewards of its own compares none.
 */
export async function rank(request: Request<'rank'>, work: Work): Promise<object> {
  if (work.rewards !== undefined) return rankByRewards(request, work, work.rewards);
  const { prompt, tools, responses } = request;
  checkComparisons(rankCost(work, responses.length).comparisons, work.limits);
  const { compare: noting, flagsOf } = recordFlags(work);
  const withTools: Work['compare'] = (items, options) =>
    noting(tools === undefined ? items : items.map((item) => ({ ...item, tools })), options);
  const pairs: object[] = [];
  const { order, scores, comparisons } = await rankResponses(
    { ...work, compare: withTools },
    prompt,
    responses,
    { onComparison: ({ pair: [a, b], comparison }) => pairs.push({ a, b, ...verdict(comparison) }) },
  );
  const flags = responses.map((response) => flagsOf({ prompt, response }));
  return { model: work.name, order, scores, responses: flags, comparisons, pairs };
}

async function rankByRewards(
  { prompt, tools, responses }: Request<'rank'>,
  { name }: Work,
  rewards: NonNullable<Work['rewards']>,
): Promise<object> {
  const items = responses.map((response: Answer, index) => {
    return { id: `responses[${index}]`, prompt: prompt satisfies Prompt, tools, response };
  });
  const scored = await rewards(items);
  const values = scored.map(({ reward }) => reward);
  const scores = values.map((own) => {
    const wins = values.reduce((sum, other) => sum + sigmoid(own - other), 0);
    // The comparison with itself, 1/2, is in the sum.
    return (wins - 0.5) / (values.length - 1);
  });
  const each = scored.map(({ reward, truncated, neutralized }) => ({ reward, truncated, neutralized }));
  return { model: name, order: bestFirst(values), scores, responses: each, comparisons: 0, pairs: [] };
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
