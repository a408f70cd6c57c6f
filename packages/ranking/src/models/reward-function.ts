import type { Comparator, RunOptions } from '../comparator/comparator.js';
import { groupScores, type ResponseGroup } from '../scores/group-scores.js';
import { referenceScores } from '../scores/reference-scores.js';

/** The reward of a loop of reinforcement learning: a number for each response of each group. */
export type GroupReward = (
  groups: readonly ResponseGroup[],
  context?: Pick<RunOptions, 'signal'>,
) => Promise<number[][]>;

/**
 * Makes a model the reward of any loop of reinforcement learning that hands over responses by prompt, such as a
 * `RewardFunction` of `@gram/ppo`. A response is compared with the reference of its group, or with the other responses of a
 * group that has none.
 */
export function rewardFunction(model: Comparator): GroupReward {
  return async (groups, { signal } = {}) => {
    const withReference = groups.flatMap((group) =>
      group.reference === undefined ? [] : [{ ...group, reference: group.reference }],
    );
    const others = groups.filter(({ reference }) => reference === undefined);
    const against = withReference.length === 0 ? [] : await referenceScores(model, withReference, { signal });
    const among = others.length === 0 ? [] : await groupScores(model, others, { signal });
    const [first, second] = [against.values(), among.values()];
    return groups.map(({ reference }) => (reference === undefined ? second : first).next().value ?? []);
  };
}
