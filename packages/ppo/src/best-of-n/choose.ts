import { zip } from '@gram/base';
import type { RewardedPrompt } from '@gram/data';
import type { ResponseSampler } from '@gram/reward';
import type { SamplingOptions } from '../options.js';
import { checkFailures } from '../rewards/failures.js';
import type { NamedReward } from '../rewards/named-reward.js';
import { askRewards } from '../rewards/reward-list.js';
import { collect, rewardGroups } from '../rollout/collect.js';
import type { RunPrompt } from '../rollout/run-prompt.js';

/** Settings of a choice among responses. */
export interface BestOfNOptions {
  /** Responses to each prompt. */
  readonly samples: number;
  readonly sampling: SamplingOptions;
  readonly maxNewTokens: number;
  /** Prompts that are answered together. */
  readonly batchSize: number;
  /** Whether the greedy response is made for rewards to compare with. */
  readonly greedyReference: boolean;
  /** Share of the responses to a batch whose rewards may fail; with more the run ends. */
  readonly maxFailedShare: number;
  readonly seed: number;
}

/** A response that was drawn, and what it is worth. */
export interface Candidate {
  readonly response: string;
  /** Number of tokens, the end token included. */
  readonly length: number;
  /** Whether it ended by itself. */
  readonly ended: boolean;
  /** The weighted sum that chooses; null for no reward. */
  readonly reward: number | null;
  /** Each reward by its name. */
  readonly rewards: Readonly<Record<string, number | null>>;
}

/** A prompt with all responses to it. */
export interface Choice extends Pick<RewardedPrompt, 'id' | 'prompt' | 'tools'> {
  /** Place of the best response, of equal ones the first; null where none has a reward. */
  readonly chosen: number | null;
  readonly candidates: readonly Candidate[];
}

/** Returns the place of the highest number, of equal ones the first; null where there is none. */
export function placeOfBest(rewards: readonly (number | null)[]): number | null {
  let best: number | null = null;
  for (const [place, reward] of rewards.entries()) {
    if (reward === null) continue;
    if (best === null || reward > (rewards[best] ?? Number.NEGATIVE_INFINITY)) best = place;
  }
  return best;
}

/**
 * Draws `samples` responses to each prompt of a batch, asks all rewards about them, and chooses the best (best-of-n; Stiennon et
 * al. 2020). A pure function of its arguments, as long as the rewards are: every draw follows from the seed, the number of the
 * batch and the prompt.
 *
 * @param batch its number; it names the random streams
 * @throws PpoError `reward-failed`, `bad-reward`; the reason of the signal
 */
export async function chooseBest(
  {
    sampler,
    rewards,
    signal,
  }: {
    readonly sampler: Pick<ResponseSampler, 'sample'>;
    readonly rewards: readonly NamedReward[];
    readonly signal?: AbortSignal | undefined;
  },
  prompts: readonly RunPrompt[],
  { batch, ...options }: BestOfNOptions & { readonly batch: number },
): Promise<Choice[]> {
  const rollouts = await collect(sampler, prompts, {
    ...options,
    samplesPerPrompt: options.samples,
    stream: `best of n, ${batch}`,
    ...(signal && { signal }),
  });
  const asked = await askRewards(rewards, rewardGroups(rollouts), { signal });
  checkFailures(`batch ${batch + 1}`, asked.groups.flat(), options.maxFailedShare);
  return zip(rollouts, asked.groups).map(
    ([
      {
        prompt: { id, prompt, tools },
        responses,
      },
      scored,
    ]) => ({
      ...{ id, prompt },
      ...(tools !== undefined && { tools }),
      chosen: placeOfBest(scored.map(({ reward }) => reward)),
      candidates: zip(responses, scored).map(([{ text, ids, finished }, { reward, rewards: own }]) => ({
        ...{ response: text, length: ids.length, ended: finished === 'stop', reward, rewards: own },
      })),
    }),
  );
}
