import { createResponseSampler } from '@gram/reward';
import { PpoError } from '../error.js';
import type { PpoOptions } from '../options.js';
import type { NamedReward } from '../rewards/named-reward.js';
import { askRewards, meanRewards } from '../rewards/reward-list.js';
import { collect, rewardGroups } from '../rollout/collect.js';
import type { PpoRun } from '../run/run.js';

/** Prompts of the trial, and the most tokens of a response in it: enough to see that everything fits together. */
const TRIAL_PROMPTS = 2;
const TRIAL_TOKENS = 16;

/**
 * Draws a few short responses and asks every reward about them, so that a judge that cannot be reached, or a function that is wrong,
 * is known before the first step.
 *
 * @returns the mean of each reward
 * @throws PpoError `reward-failed` where a reward has no answer about any response; the errors of `askRewards`
 */
export async function tryRewards(
  run: Pick<PpoRun, 'policy' | 'tokenizer' | 'encoder' | 'stop' | 'prompts' | 'device' | 'precision'>,
  rewards: readonly NamedReward[],
  { options, signal }: { readonly options: PpoOptions; readonly signal?: AbortSignal | undefined },
): Promise<Record<string, number>> {
  const {
    policy: { config, weights, adapter },
    tokenizer,
    encoder,
    stop,
    device,
    precision: products,
  } = run;
  const sampler = createResponseSampler({
    ...{ config, weights, adapter, tokenizer, encoder, stop, device, products },
  });
  try {
    const rollouts = await collect(sampler, run.prompts.slice(0, TRIAL_PROMPTS), {
      ...options,
      // A comparison needs two.
      samplesPerPrompt: 2,
      maxNewTokens: Math.min(TRIAL_TOKENS, options.maxNewTokens),
      stream: 'trial',
      ...(signal && { signal }),
    });
    const asked = await askRewards(rewards, rewardGroups(rollouts), { ...(signal && { signal }) });
    const failed = asked.groups.flat().every((response) => response.failed);
    if (!failed) return meanRewards(rewards, asked.groups.flat());
    throw new PpoError(
      'reward-failed',
      `no reward was given in a trial with ${rollouts.length} prompts, after ${asked.failedCalls} calls that failed`,
      'see to the reward functions',
    );
  } finally {
    sampler.dispose();
  }
}
