import { fingerprintOf } from '@gram/run';
import type { BestOfNRun } from '../best-of-n/best-of-n.js';
import { ppoOptions } from '../options.js';
import type { BestOfNConfig } from '../settings/schema.js';
import { loadPolicyModel } from './policy.js';
import type { PreparedRlhf, PrepareOptions } from './prepare.js';
import { loadPrompts } from './prompts.js';
import { compareWithGreedy, identified, openRewards, rewardTools } from './rewards.js';
import { tryRewards } from './try-rewards.js';

/** A choice among responses with everything loaded, every prompt encoded, and every reward tried. Nothing has been written. */
export interface PreparedBestOfN
  extends Pick<PreparedRlhf, 'prompts' | 'longestPrompt' | 'trial' | 'dispose'> {
  /** Arguments of `chooseResponses`, but how it is followed. */
  readonly run: Omit<BestOfNRun, 'resume' | 'signal' | 'watch' | 'onNote' | 'onProgress'>;
}

/**
 * Loads what a configuration of best-of-n names, and tries all of it before anything costs much, as `prepareRlhf` does.
 *
 * @throws as `prepareRlhf`
 */
export async function prepareBestOfN(
  config: BestOfNConfig,
  { signal }: PrepareOptions = {},
): Promise<PreparedBestOfN> {
  const { samples, sampling, maxNewTokens, batchSize, maxFailedShare, seed } = config;
  const policy = await loadPolicyModel(config, config, signal);
  const { model, encoder, tokenizer, stopIds, longestPrompt } = policy;
  const prompts = await loadPrompts(config.prompts, {
    ...{ encoder, signal },
    dropsLong: config.overlong === 'drop',
  });
  const opened = await openRewards(config.rewards, rewardTools(policy, { device: config.device, signal }));
  try {
    const greedyReference = compareWithGreedy(config.rewards);
    const asked = { sampling, maxNewTokens, seed, greedyReference };
    const run = {
      ...{ policy: model, encoder, tokenizer, prompts: prompts.prompts, reward: opened.list },
      stop: { ids: stopIds, strings: config.stop },
      options: { ...asked, samples, batchSize, maxFailedShare },
      identity: { rewards: fingerprintOf(identified(config.rewards)) },
      device: config.device,
      output: config.output,
    };
    const options = ppoOptions({ ...asked, steps: 1, advantages: 'grpo' });
    const trial = await tryRewards(run, opened.list, { options, signal });
    return { run, prompts, longestPrompt, trial, dispose: opened.dispose };
  } catch (cause) {
    opened.dispose();
    throw cause;
  }
}
