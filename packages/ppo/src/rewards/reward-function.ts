import { type Answer, conversationText, type Prompt, type Tool, zip } from '@gram/base';
import {
  type Comparator,
  type DiscriminativeRewardModel,
  groupScores,
  type Judge,
  recordFlags,
  referenceScores,
  type ScoredResponse,
  type TextFlags,
} from '@gram/reward';
import { PpoError } from '../error.js';
import { askPatiently } from './patience.js';

/** A prompt with the responses to reward. */
export interface RewardGroup {
  readonly id: string;
  readonly prompt: Prompt;
  /** Descriptions of the tools that the assistant may call. */
  readonly tools?: readonly Tool[] | undefined;
  /** At least one response. */
  readonly responses: readonly string[];
  /** Number of tokens of each response. @default not known */
  readonly lengths?: readonly number[];
  /** Whether each response ended by itself, and was not cut at the largest length. @default not known */
  readonly ended?: readonly boolean[];
  /** The greedy response of a policy to the same prompt. @default none, where the run draws none */
  readonly reference?: string;
  /** The answer that the data has for the prompt. @default none */
  readonly answer?: Answer;
  /** The fields of the record of the prompt. @default none */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Context that a reward function may use besides the groups. */
export interface RewardContext {
  readonly signal?: AbortSignal;
}

/** The reward of a response, and what was done to the texts before they were judged. */
export interface RewardedResponse extends TextFlags {
  /** A finite number, or null for no reward: the response is not learned from, and no other is compared with it. */
  readonly reward: number | null;
  /** Whether there is no reward because the judge failed. @default false */
  readonly failed?: boolean;
}

/** The rewards of the responses of each group: a finite number, null for no reward, or either with what was done to the texts. */
export type GroupRewards = readonly (readonly (number | null | RewardedResponse | ScoredResponse)[])[];

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
