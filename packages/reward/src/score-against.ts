import type { Comparator, ComparisonItem, RunOptions } from './reward-model.js';

/** Responses to one prompt, and the one that they are compared with. */
export interface AgainstItem {
  readonly id: string;
  readonly prompt: string;
  readonly reference: string;
  readonly responses: readonly string[];
}

/**
 * Scores responses against a reference response: the probability of each to be preferred to it, in one call of the
 * model. A text that occurs twice is compared once; the reference itself gets 0.5 without being compared.
 *
 * @returns for each item, a number between 0 and 1 for each response
 * @throws whatever `compare` throws
 */
export async function scoreAgainst(
  model: Comparator,
  items: readonly AgainstItem[],
  options?: RunOptions,
): Promise<number[][]> {
  const comparisons: ComparisonItem[] = [];
  const places = items.map(({ id, prompt, reference, responses }) => {
    const known = new Map<string, number>();
    for (const response of responses) {
      if (response === reference || known.has(response)) continue;
      known.set(response, comparisons.length);
      comparisons.push({ id, prompt, a: response, b: reference });
    }
    return known;
  });
  const results = comparisons.length === 0 ? [] : await model.compare(comparisons, options);
  return items.map(({ responses }, i) =>
    responses.map((response) => {
      const place = places[i]!.get(response);
      return place === undefined ? 0.5 : results[place]!.probability;
    }),
  );
}
