import { type Answer, conversationKey, type Prompt } from '@gram/base';
import {
  groupScores,
  type Judge,
  rankCost,
  recordFlags,
  referenceScores,
  type TextFlags,
} from '@gram/ranking';
import { HttpError } from '../error.js';
import type { Limits, ParseRendered } from '../options.js';

/** Model behind the queue, for one request alone, with which an endpoint works. */
export interface Work extends Judge {
  /** Name of the model. */
  readonly name: string;
  readonly reference: string | undefined;
  readonly limits: Limits;
  readonly parseRendered: ParseRendered | undefined;
  /** Time of the deadline of the request, as `performance.now()` counts. */
  readonly endsAt: number;
}

/** A response to a prompt that a client wants a score for. */
export interface Scored {
  readonly prompt: Prompt;
  readonly response: Answer;
}

/** The score of a response. */
export interface Score extends TextFlags {
  readonly score: number;
}

/** The responses to one prompt, with their places in the request. */
interface Group {
  readonly id: string;
  readonly prompt: Prompt;
  readonly responses: Answer[];
  readonly indices: number[];
}

/**
 * Scores for formats that want one number for each response. A model with rewards of its own gives them, one evaluation for each
 * response. Of a pairwise model it is the probability that the response is preferred to the configured reference; without
 * one, the mean probability that it is preferred to the other responses of the request to the same prompt. Of more than 16
 * not all pairs are compared, and the score is that of `rank`.
 *
 * @throws {HttpError} 422 where there is neither
 */
export async function scoreEach(items: readonly Scored[], work: Work): Promise<Score[]> {
  if (work.rewards !== undefined) {
    const scored = await work.rewards(items.map((item, index) => ({ id: `item ${index}`, ...item })));
    return scored.map(({ reward, ...flags }) => ({ score: reward, ...flags }));
  }
  const groups = groupByPrompt(items);
  checkCost(groups, work);
  const { compare, flagsOf } = recordFlags(work);
  const judge = { ...work, compare };
  const { reference } = work;
  const scored =
    reference === undefined
      ? await groupScores(judge, groups, { strategy: 'auto' })
      : await referenceScores(
          judge,
          groups.map((group) => ({ ...group, reference })),
        );
  const scores: number[] = [];
  for (const [at, { indices }] of groups.entries()) {
    for (const [place, score] of (scored[at] ?? []).entries()) scores[indices[place] ?? 0] = score;
  }
  return items.map((item, index) => ({ score: scores[index] ?? Number.NaN, ...flagsOf(item) }));
}

function groupByPrompt(items: readonly Scored[]): readonly Group[] {
  const byPrompt = new Map<string, Group>();
  for (const [index, { prompt, response }] of items.entries()) {
    const key = conversationKey(prompt);
    const group = byPrompt.get(key) ?? { id: `item ${index}`, prompt, responses: [], indices: [] };
    group.responses.push(response);
    group.indices.push(index);
    byPrompt.set(key, group);
  }
  return [...byPrompt.values()];
}

/** @throws {HttpError} 422 for a response that nothing is compared with, and for too many comparisons */
function checkCost(groups: readonly Group[], work: Work): void {
  const { reference, limits } = work;
  const lone = groups.find(({ responses }) => responses.length === 1);
  if (reference === undefined && lone !== undefined) {
    throw noReference(lone.id);
  }
  const sizes = groups.map(({ responses: { length } }) => {
    return reference === undefined ? rankCost(work, length).comparisons : length;
  });
  checkComparisons(
    sizes.reduce((sum, size) => sum + size, 0),
    limits,
  );
}

/** The refusal of a response that nothing is compared with. */
export function noReference(id = 'responses[0]'): HttpError {
  return new HttpError(
    422,
    'no-reference',
    `${id} is the only response to its prompt, and a pairwise model scores by comparing`,
    'send several responses to each prompt, or start the server with a reference response',
  );
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
