import type { Answer, Prompt, Tool } from '@gram/base';
import type { ScoredResponse, TextFlags } from '@gram/reward';

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
