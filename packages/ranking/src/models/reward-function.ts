import type { Comparator, RunOptions, ScoredResponse } from '../comparator/comparator.js';
import { recordFlags } from '../comparator/record-flags.js';
import { groupScores, type ResponseGroup } from '../scores/group-scores.js';
import { referenceScores } from '../scores/reference-scores.js';

/** The reward of a loop of reinforcement learning: one for each response of each group. */
export type GroupReward = (
  groups: readonly ResponseGroup[],
  context?: Pick<RunOptions, 'signal'>,
) => Promise<ScoredResponse[][]>;

/**
 * Makes a model the reward of any loop of reinforcement learning that hands over responses by prompt, such as a
 * `RewardFunction` of `@gram/ppo`. A response is compared with the reference of its group, or with the other responses of a
 * group that has none. The flags of a reward are those of all comparisons in which the response stood.
 */
export function rewardFunction(model: Comparator): GroupReward {
  return async (groups, { signal } = {}) => {
    const recorder = recordFlags(model);
    const withReference = groups.flatMap((group) =>
      group.reference === undefined ? [] : [{ ...group, reference: group.reference }],
    );
    const others = groups.filter(({ reference }) => reference === undefined);
    const against =
      withReference.length === 0 ? [] : await referenceScores(recorder, withReference, { signal });
    const among = others.length === 0 ? [] : await groupScores(recorder, others, { signal });
    const [first, second] = [against.values(), among.values()];
    return groups.map(({ prompt, responses, reference }) => {
      const scores = (reference === undefined ? second : first).next().value ?? [];
      return responses.map((response, place) => ({
        reward: scores[place] ?? Number.NaN,
        ...recorder.flagsOf({ prompt, response }),
      }));
    });
  };
}
