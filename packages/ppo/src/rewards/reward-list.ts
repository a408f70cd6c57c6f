import { mean } from '@gram/base';
import type { TextFlags } from '@gram/reward';
import { PpoError } from '../error.js';
import type { NamedReward } from './named-reward.js';
import { askPatiently } from './patience.js';
import type { RewardContext, RewardedResponse, RewardFunction, RewardGroup } from './reward.js';

/** A response with all of its rewards. */
export interface ResponseRewards extends TextFlags {
  /** The weighted sum that the policy learns from; null where one of its parts has no reward. */
  readonly reward: number | null;
  /** Each reward by its name; null where there is none. */
  readonly rewards: Readonly<Record<string, number | null>>;
  /** Whether the response has no reward because a reward function failed. */
  readonly failed: boolean;
}

/** Rewards of the responses of a step. */
export interface RewardedGroups {
  readonly groups: readonly (readonly ResponseRewards[])[];
  /** Number of calls of reward functions that failed, whether or not a repetition succeeded. */
  readonly failedCalls: number;
}

const NAME = /^[A-Za-z][\w-]{0,63}$/;

/**
 * Gives the rewards of a run as a list; a single function is the reward `reward` with the weight 1.
 *
 * @throws PpoError `bad-option` for an empty list, a name that is invalid or stands twice, a weight that is not finite, or where
 *   all are monitors
 */
export function rewardList(reward: RewardFunction | readonly NamedReward[]): readonly NamedReward[] {
  if (typeof reward === 'function') return [{ name: 'reward', reward }];
  const refuse = (problem: string, hint: string) => new PpoError('bad-option', problem, hint);
  const names = new Set<string>();
  for (const { name, weight = 1 } of reward) {
    if (!NAME.test(name)) {
      throw refuse(
        `${JSON.stringify(name)} is no name of a reward`,
        'use letters, digits, - and _, beginning with a letter',
      );
    }
    if (names.has(name)) throw refuse(`two rewards have the name ${name}`, 'give each its own name');
    if (!Number.isFinite(weight))
      throw refuse(`the weight of the reward ${name} is ${weight}`, 'give a number');
    names.add(name);
  }
  if (reward.some(({ weight = 1 }) => weight !== 0)) return reward;
  throw refuse('there is no reward to learn from', 'give at least one reward a weight other than 0');
}

/**
 * Asks all reward functions about the responses of a step, at the same time, and adds up their rewards. A response has a reward
 * only where all rewards with a weight have one: nothing that is missing counts as 0. Monitors do not decide that.
 *
 * @throws PpoError `reward-failed`, `bad-reward` where a function fails whose policy is to stop; the reason of the signal
 */
export async function askRewards(
  list: readonly NamedReward[],
  groups: readonly RewardGroup[],
  context: RewardContext,
): Promise<RewardedGroups> {
  const answers = await Promise.all(
    list.map(({ name, reward, failures }) =>
      askPatiently(list.length === 1 ? '' : name, reward, groups, context, failures),
    ),
  );
  const rewarded = groups.map(({ responses }, group) =>
    responses.map((_, place): ResponseRewards => {
      const own = answers.map(({ rewards }) => rewards[group]?.[place]);
      return combined(list, own);
    }),
  );
  return { groups: rewarded, failedCalls: answers.reduce((sum, { failedCalls }) => sum + failedCalls, 0) };
}

function combined(
  list: readonly NamedReward[],
  own: readonly (RewardedResponse | undefined)[],
): ResponseRewards {
  const numbers = own.map((each) => each?.reward ?? null);
  let sum: number | null = 0;
  for (const [i, { weight = 1 }] of list.entries()) {
    const number = numbers[i] ?? null;
    if (weight !== 0) sum = sum === null || number === null ? null : sum + weight * number;
  }
  return {
    reward: sum,
    rewards: Object.fromEntries(list.map(({ name }, i) => [name, numbers[i] ?? null])),
    truncated: own.some((each) => each?.truncated === true),
    neutralized: own.some((each) => each?.neutralized === true),
    failed: list.some(({ weight = 1 }, i) => weight !== 0 && own[i] === undefined),
  };
}

/** The mean of each reward over the responses that have it; one that no response has is left out. */
export function meanRewards(
  list: readonly Pick<NamedReward, 'name'>[],
  responses: readonly Pick<ResponseRewards, 'rewards'>[],
): Record<string, number> {
  const means = list.flatMap(({ name }) => {
    const numbers = responses.flatMap(({ rewards }) => rewards[name] ?? []);
    return numbers.length === 0 ? [] : [[name, mean(numbers)] as const];
  });
  return Object.fromEntries(means);
}
