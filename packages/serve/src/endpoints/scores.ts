import { groupScores, type Judge, rankCost, referenceScores } from '@gram/ranking';
import { HttpError } from '../error.js';
import type { Limits } from '../options.js';

/** Model behind the queue, for one request alone, with which an endpoint works. */
export interface Work extends Judge {
  /** Name of the model. */
  readonly name: string;
  readonly reference: string | undefined;
  readonly limits: Limits;
}

/** A response to a prompt that a client wants a score for. */
export interface Scored {
  readonly prompt: string;
  readonly response: string;
}

/** The responses to one prompt, with their places in the request. */
interface Group {
  readonly id: string;
  readonly prompt: string;
  readonly responses: string[];
  readonly indices: number[];
}

/**
 * Scores for formats that want one number for each response, which a pairwise model does not have: the probability that it is
 * preferred to the configured reference; without one, the mean probability that it is preferred to the other responses of
 * the request to the same prompt. Of more than 16 not all pairs are compared, and the score is that of `rank`.
 *
 * @throws {HttpError} 422 where there is neither
 */
export async function scoreEach(items: readonly Scored[], work: Work): Promise<number[]> {
  const byPrompt = new Map<string, Group>();
  for (const [index, { prompt, response }] of items.entries()) {
    const group = byPrompt.get(prompt) ?? { id: `item ${index}`, prompt, responses: [], indices: [] };
    group.responses.push(response);
    group.indices.push(index);
    byPrompt.set(prompt, group);
  }
  const { reference } = work;
  const groups = [...byPrompt.values()];
  if (reference === undefined) {
    const lone = groups.find(({ responses }) => responses.length === 1);
    if (lone !== undefined) {
      throw new HttpError(
        422,
        'no-reference',
        `${lone.id} is the only response to its prompt, and a pairwise model scores by comparing`,
        'send several responses to each prompt, or start the server with a reference response',
      );
    }
  }
  const sizes = groups.map(({ responses: { length } }) => {
    return reference === undefined ? rankCost(work, length).comparisons : length;
  });
  checkComparisons(
    sizes.reduce((sum, size) => sum + size, 0),
    work.limits,
  );
  const scored =
    reference === undefined
      ? await groupScores(work, groups, { strategy: 'auto' })
      : await referenceScores(
          work,
          groups.map((group) => ({ ...group, reference })),
        );
  const scores: number[] = [];
  for (const [at, { indices }] of groups.entries()) {
    for (const [place, score] of (scored[at] ?? []).entries()) scores[indices[place] ?? 0] = score;
  }
  return scores;
}

/** @throws {HttpError} 422 where a request needs too many comparisons */
export function checkComparisons(count: number, { comparisons }: Limits): void {
  if (count <= comparisons) return;
  throw new HttpError(
    422,
    'too-many-comparisons',
    `the request needs ${count} comparisons and ${comparisons} are allowed`,
    'send several requests, each with fewer responses to a prompt',
  );
}
