import type { Comparison, ComparisonItem } from '@gram/ranking';
import type { Shapes } from './schemas.js';
import { checkComparisons, type Work } from './scores.js';

type Request<Name extends keyof Shapes> = ReturnType<Shapes[Name]['parse']>;

/** `POST /v1/compare`: which of two responses is better, for a list of pairs. */
export async function compare({ pairs }: Request<'compare'>, work: Work): Promise<object> {
  const items = pairs.map((pair, index): ComparisonItem => ({ id: `pairs[${index}]`, ...pair }));
  const results = await work.compare(items);
  return { model: work.name, results: results.map(verdict) };
}

/** `POST /v1/rank`: responses to one prompt in order, with every pair that was compared for it. */
export async function rank({ prompt, responses }: Request<'rank'>, work: Work): Promise<object> {
  const count = responses.length;
  checkComparisons((count * (count - 1)) / 2, work.limits);
  const games = responses.flatMap((_, a) =>
    responses.slice(a + 1).map((_, offset) => ({ a, b: a + 1 + offset })),
  );
  const results = await work.compare(
    games.map(({ a, b }) => {
      return { id: `responses ${a} and ${b}`, prompt, a: responses[a]!, b: responses[b]! };
    }),
  );
  const sums = responses.map(() => 0);
  for (const [index, { a, b }] of games.entries()) {
    const { probability } = results[index]!;
    sums[a]! += probability;
    sums[b]! += 1 - probability;
  }
  const scores = sums.map((sum) => sum / (count - 1));
  return {
    model: work.name,
    order: bestFirst(scores),
    scores,
    comparisons: games.length,
    pairs: games.map((game, index) => ({ ...game, ...verdict(results[index]!) })),
  };
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
