import { type Answer, conversationKey, type Prompt, type Tool } from '@gram/base';
import type { Comparator, ComparisonItem, RunOptions } from '../comparator/comparator.js';

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
      return position === undefined ? 0.5 : (results[position]?.probability ?? Number.NaN);
    }),
  );
}
