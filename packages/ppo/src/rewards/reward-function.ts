import { conversationText, zip } from '@gram/base';
import {
  type Comparator,
  type DiscriminativeRewardModel,
  groupScores,
  type Judge,
  recordFlags,
  referenceScores,
} from '@gram/reward';
import { PpoError } from '../error.js';
import { askPatiently } from './patience.js';
import type { RewardContext, RewardedResponse, RewardFunction, RewardGroup } from './reward.js';

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

/**
 * Makes the reward of a response the probability, in both orders, that it is preferred to the answer that the data has for its
 * prompt; null for a prompt without one.
 */
export function answerReward(model: Comparator): RewardFunction {
  const compared = preferenceReward(model);
  return async (groups, context) => {
    const answered = groups.flatMap(({ answer, ...group }) =>
      answer === undefined ? [] : [{ ...group, reference: conversationText(answer) }],
    );
    const rewards = (answered.length === 0 ? [] : await compared(answered, context)).values();
    return groups.map(({ answer, responses }) =>
      answer === undefined ? responses.map(() => null) : (rewards.next().value ?? []),
    );
  };
}

/**
 * Makes the reward of a response its mean win rate: the mean probability that it is preferred to another response to the same
 * prompt. All pairs are compared, n (n - 1) / 2 for n different responses, each in both orders.
 */
export function winRateReward(model: Judge): RewardFunction {
  return async (groups, { signal }) => {
    const recorder = recordFlags(model);
    const scores = await groupScores({ ...model, compare: recorder.compare }, groups.map(withoutReference), {
      signal,
    });
    return zip(groups, scores).map(([{ prompt, responses }, own]) =>
      zip(responses, own).map(([response, reward]) => ({
        reward,
        ...recorder.flagsOf({ prompt, response }),
      })),
    );
  };
}

function withoutReference({ id, prompt, tools, responses }: RewardGroup) {
  return { id, prompt, tools, responses };
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
 * Calls a reward function once and checks what it returns.
 *
 * @returns for each response of each group its reward, and whether the model behind it read cut or escaped text
 * @throws PpoError `reward-failed` when it throws, `bad-reward` for a wrong count or a number that is not finite; both
 *   name the prompt. The signal's reason when it is aborted
 */
export async function scoreGroups(
  reward: RewardFunction,
  groups: readonly RewardGroup[],
  context: RewardContext,
): Promise<RewardedResponse[][]> {
  const { rewards } = await askPatiently('', reward, groups, context);
  // A failure stops it, so that no reward is missing.
  return rewards.map((own) => own.flatMap((each) => each ?? []));
}
