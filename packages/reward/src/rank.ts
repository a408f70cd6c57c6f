import { RewardError } from './error.js';
import type { Comparator, ComparisonItem, Ranking, RunOptions } from './reward-model.js';

/**
 * Ranks responses by a round robin: every pair is compared once, in one call. Preferences of a model need not be
 * transitive; the mean over all opponents is defined all the same and does not depend on the order of the
 * responses. The price is n * (n - 1) / 2 comparisons.
 *
 * @throws RewardError `too-few-responses` for fewer than two; whatever `compare` throws
 */
export async function rank(
  model: Comparator,
  prompt: string,
  responses: readonly string[],
  options?: RunOptions,
): Promise<Ranking> {
  if (responses.length < 2) {
    throw new RewardError(
      'too-few-responses',
      `there are ${responses.length} responses to rank`,
      'Give at least two responses.',
    );
  }
  const games = responses.flatMap((_, a) =>
    responses.slice(a + 1).map((_, offset): [number, number] => [a, a + 1 + offset]),
  );
  const items = games.map(([a, b]): ComparisonItem => {
    return { id: `responses ${a} and ${b}`, prompt, a: responses[a] as string, b: responses[b] as string };
  });
  const results = await model.compare(items, options);
  const sums = new Float64Array(responses.length);
  for (const [index, [a, b]] of games.entries()) {
    const { probability } = results[index]!;
    sums[a]! += probability;
    sums[b]! += 1 - probability;
  }
  const scores = Array.from(sums, (sum) => sum / (responses.length - 1));
  const order = scores.map((_, index) => index).sort((a, b) => scores[b]! - scores[a]!);
  return { order, scores, comparisons: games.length };
}

/** The probability that a response is preferred to a reference, see `RewardModel.score`. */
export async function score(
  model: Comparator,
  prompt: string,
  response: string,
  reference: string,
  options?: RunOptions,
): Promise<number> {
  const [result] = await model.compare([{ prompt, a: response, b: reference }], options);
  return result!.probability;
}
