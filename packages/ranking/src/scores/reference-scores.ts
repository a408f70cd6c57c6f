import { type Answer, conversationKey, type Prompt, type Tool } from '@gram/base';
import type { Comparator, ComparisonItem, RunOptions, ScoredResponse } from '../comparator/comparator.js';

/** Responses to one prompt, and the reference response that they are compared with. */
export interface ReferenceItem {
  /** Names the item in errors. */
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[] | undefined;
  readonly reference: Answer;
  readonly responses: readonly Answer[];
}

/**
 * Scores responses by comparing them with a reference response: the probability of each to be preferred to it, in one call of
 * the model. A text that occurs twice is compared once; the reference itself gets 0.5 without being compared.
 *
 * @returns for each item, a number between 0 and 1 for each response
 * @throws whatever `compare` throws
 */
export async function referenceScores(
  model: Comparator,
  items: readonly ReferenceItem[],
  options?: RunOptions,
): Promise<number[][]> {
  const rewards = await referenceRewards(model, items, options);
  return rewards.map((own) => own.map(({ reward }) => reward));
}

/**
 * Scores responses as {@link referenceScores} does, and says which of them stood in a comparison whose texts were cut or escaped.
 *
 * @returns for each item, the score of each response as its reward
 * @throws whatever `compare` throws
 */
export async function referenceRewards(
  model: Comparator,
  items: readonly ReferenceItem[],
  options?: RunOptions,
): Promise<ScoredResponse[][]> {
  const comparisons: ComparisonItem[] = [];
  const lists = items.map(({ reference, responses, ...item }) => {
    const positions = new Map<string, number>();
    const own = conversationKey(reference);
    for (const response of responses) {
      const key = conversationKey(response);
      if (key === own || positions.has(key)) continue;
      positions.set(key, comparisons.length);
      comparisons.push({ ...item, a: response, b: reference });
    }
    return { responses, positions };
  });
  const results = comparisons.length === 0 ? [] : await model.compare(comparisons, options);
  return lists.map(({ responses, positions }) =>
    responses.map((response) => {
      const position = positions.get(conversationKey(response));
      if (position === undefined) return { reward: 0.5, truncated: false, neutralized: false };
      const { probability = Number.NaN, truncated = false, neutralized = false } = results[position] ?? {};
      return { reward: probability, truncated, neutralized };
    }),
  );
}
