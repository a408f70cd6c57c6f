import { RewardError } from './error.js';
import type { Comparator, ComparisonItem, RunOptions } from './reward-model.js';
import { scoreAgainst } from './score-against.js';

/** Responses to one prompt that are to be scored. */
export interface ResponseGroup {
  readonly id: string;
  readonly prompt: string;
  readonly responses: readonly string[];
  /** What each response is compared with. @default the other responses */
  readonly reference?: string;
}

/**
 * Scores responses by comparing those to the same prompt with each other, in one call of the model: the mean probability of
 * each to be preferred to another one. Equal texts are compared once and are a tie among themselves. The price is
 * n * (n - 1) / 2 comparisons for n different responses.
 *
 * @returns for each group, a number between 0 and 1 for each response
 * @throws RewardError `too-few-responses`; whatever `compare` throws
 */
export async function groupScores(
  model: Comparator,
  groups: readonly Omit<ResponseGroup, 'reference'>[],
  options?: RunOptions,
): Promise<number[][]> {
  const items: ComparisonItem[] = [];
  const games = groups.map(({ id, prompt, responses }) => {
    if (responses.length < 2) {
      throw new RewardError(
        'too-few-responses',
        `there is nothing to compare the response of ${JSON.stringify(id)} with`,
        'Give several responses to each prompt, or a reference.',
      );
    }
    const texts = [...new Set(responses)];
    const start = items.length;
    for (const [index, a] of texts.entries()) {
      for (const b of texts.slice(index + 1)) items.push({ id, prompt, a, b });
    }
    return { texts, start };
  });
  const results = items.length === 0 ? [] : await model.compare(items, options);
  return games.map(({ texts, start }, g) => {
    const { responses } = groups[g]!;
    const count = new Map<string, number>();
    for (const response of responses) count.set(response, (count.get(response) ?? 0) + 1);
    // The other copies of a text are ties with it.
    const sums = texts.map((text) => 0.5 * (count.get(text)! - 1));
    let at = start;
    for (let a = 0; a < texts.length; a++) {
      for (let b = a + 1; b < texts.length; b++) {
        const { probability } = results[at++]!;
        sums[a]! += probability * count.get(texts[b]!)!;
        sums[b]! += (1 - probability) * count.get(texts[a]!)!;
      }
    }
    const places = new Map(texts.map((text, place) => [text, place]));
    return responses.map((response) => sums[places.get(response)!]! / (responses.length - 1));
  });
}

/**
 * A model as the reward of any loop of reinforcement learning that hands over responses by prompt, such as a `RewardFunction` of
 * `@gram/ppo`: against the reference of a group where it has one, otherwise against the other responses of the group.
 */
export function rewardFunction(
  model: Comparator,
): (groups: readonly ResponseGroup[], context?: Pick<RunOptions, 'signal'>) => Promise<number[][]> {
  return async (groups, { signal } = {}) => {
    const referred = groups.flatMap((group, place) =>
      group.reference === undefined ? [] : [{ ...group, reference: group.reference, place }],
    );
    const alone = groups.flatMap((group, place) =>
      group.reference === undefined ? [{ ...group, place }] : [],
    );
    const scores: number[][] = [];
    const put = (found: readonly { place: number }[], values: readonly number[][]) => {
      for (const [index, { place }] of found.entries()) scores[place] = values[index]!;
    };
    if (referred.length > 0) put(referred, await scoreAgainst(model, referred, { signal }));
    if (alone.length > 0) put(alone, await groupScores(model, alone, { signal }));
    return scores;
  };
}
