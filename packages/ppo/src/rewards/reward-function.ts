import { type Prompt, type Tool, zip } from '@gram/base';
import type { Comparator, DiscriminativeRewardModel, ScoredResponse } from '@gram/reward';
import { recordFlags, referenceScores } from '@gram/reward';
import { PpoError } from '../error.js';

/** A prompt with the responses to reward. */
export interface RewardGroup {
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[] | undefined;
  /** At least one response. */
  readonly responses: readonly string[];
  /** The greedy response of a policy to the same prompt. @default none, where the run draws none */
  readonly reference?: string;
}

/** Context that a reward function may use besides the groups. */
export interface RewardContext {
  readonly signal?: AbortSignal;
}

/** The rewards of the responses of each group: a finite number, or one with what was done to the texts before they were judged. */
export type GroupRewards = readonly (readonly (number | ScoredResponse)[])[];

/**
 * Rewards responses: a model, a rule or a remote service. It sees all groups of a step at once and returns
 * one reward for each response, in the same order. Equal inputs must give equal numbers if a resumed run is to
 * repeat the one that was stopped.
 */
export type RewardFunction = (
  groups: readonly RewardGroup[],
  context: RewardContext,
) => Promise<GroupRewards> | GroupRewards;

/**
 * Makes the reward of the paper (section 4.2 of the GRAM paper, after ReMax, Li et al. 2024): the probability, in both
 * orders, that a response is preferred to the greedy one. Between 0 and 1; a response equal to the greedy one gets 0.5.
 *
 * @example
 * ```ts
 * const reward = preferenceReward(await loadRewardModel('runs/two-stage'));
 * ```
 */
export function preferenceReward(model: Comparator): RewardFunction {
  return async (groups, { signal }) => {
    const recorder = recordFlags(model);
    const compared = groups.map(({ reference, ...group }) => {
      if (reference !== undefined) return { ...group, reference };
      throw new PpoError(
        'bad-option',
        'a preference reward compares with the greedy response, and this run draws none',
        'set greedyReference to true',
      );
    });
    const scores = await referenceScores(recorder, compared, { signal });
    return zip(groups, scores).map(([{ prompt, responses }, own]) =>
      zip(responses, own).map(([response, reward]) => ({
        reward,
        ...recorder.flagsOf({ prompt, response }),
      })),
    );
  };
}

/** Makes a reward from the scalar of a discriminative model: any real number, and no reference is needed. */
export function scalarReward(model: Pick<DiscriminativeRewardModel, 'rewards'>): RewardFunction {
  return async (groups, { signal }) => {
    const items = groups.flatMap(({ reference: _, responses, ...group }) =>
      responses.map((response) => ({ ...group, response })),
    );
    const scored = await model.rewards(items, { signal });
    return groups.map(({ responses }) => scored.splice(0, responses.length));
  };
}

/**
 * Calls a reward function and checks what it returns.
 *
 * @returns for each response of each group its reward, and whether the model behind it read cut or escaped text
 * @throws PpoError `reward-failed` when it throws, `bad-reward` for a wrong count or a number that is not finite; both
 *   name the prompt. The signal's reason when it is aborted
 */
export async function scoreGroups(
  reward: RewardFunction,
  groups: readonly RewardGroup[],
  context: RewardContext,
): Promise<ScoredResponse[][]> {
  context.signal?.throwIfAborted();
  let scores: GroupRewards;
  try {
    scores = await reward(groups, context);
  } catch (cause) {
    context.signal?.throwIfAborted();
    if (cause instanceof PpoError) throw cause;
    const found = groups.length === 1 ? undefined : await firstFailure(reward, groups, context);
    throw new PpoError(
      'reward-failed',
      `the reward function failed on ${describePrompts(found ?? groups)}: ${cause instanceof Error ? cause.message : String(cause)}`,
      'correct the reward function, then resume from the last checkpoint',
      { cause },
    );
  }
  if (!Array.isArray(scores) || scores.length !== groups.length) {
    const count = Array.isArray(scores) ? `${scores.length} lists` : typeof scores;
    throw bad(
      `returned ${count} for ${groups.length} prompts, the first being ${describePrompts(groups.slice(0, 1))}`,
    );
  }
  for (const [i, group] of groups.entries()) {
    const own: unknown = scores[i];
    if (!Array.isArray(own) || own.length !== group.responses.length) {
      const count = Array.isArray(own) ? `${own.length} numbers` : typeof own;
      throw bad(`gave ${count} for the ${group.responses.length} responses of ${describePrompts([group])}`);
    }
    // Not find: it could not tell a score that is undefined from none.
    const wrong = own.findIndex((score) => !Number.isFinite(numberOf(score)));
    if (wrong >= 0) throw bad(`gave ${String(numberOf(own[wrong]))} for ${describePrompts([group])}`);
  }
  return scores.map((own) => own.map(withFlags));
}

/** The number of what a reward function gave for a response. */
function numberOf(score: unknown): unknown {
  return typeof score === 'object' && score !== null && 'reward' in score ? score.reward : score;
}

function withFlags(score: number | ScoredResponse): ScoredResponse {
  if (typeof score === 'number') return { reward: score, truncated: false, neutralized: false };
  const { reward, truncated = false, neutralized = false } = score;
  return { reward, truncated, neutralized };
}

/** Asks about one prompt after the other, to name the one that fails. */
async function firstFailure(
  reward: RewardFunction,
  groups: readonly RewardGroup[],
  context: RewardContext,
): Promise<readonly RewardGroup[] | undefined> {
  for (const group of groups) {
    try {
      await reward([group], context);
    } catch {
      return [group];
    }
  }
  return undefined;
}

function describePrompts(groups: readonly RewardGroup[]): string {
  const [first] = groups;
  const name = `prompt ${JSON.stringify(first?.id)}`;
  return groups.length > 1 ? `${groups.length} prompts from ${name} on` : name;
}

function bad(what: string): PpoError {
  return new PpoError(
    'bad-reward',
    `the reward function ${what}`,
    'return one finite number for each response, in the order of the groups',
  );
}
