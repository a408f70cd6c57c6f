import { copyWeights, type Weights } from '@gram/model';
import { createResponseSampler, type ResponseSampler } from '@gram/reward';
import { responseTokens } from './experience.js';
import type { PpoOptions } from './options.js';
import { scoreGroups } from './reward-function.js';
import { collect, rewardGroups } from './rollout/collect.js';
import type { TokenMeter } from './rollout/measure.js';
import type { PpoEvaluation, PpoRun } from './run.js';

/** Scores the policy, as it is at the moment, on the validation prompts. */
export interface Validator {
  score(): Promise<Pick<PpoEvaluation, 'reward' | 'heldOut' | 'kl'>>;
  copyOfPolicy(): Weights;
}

/**
 * Makes a validator. The greedy responses of the first policy are made here, once: against those of the policy in
 * training a pairwise reward would stay at one half however good both become.
 */
export async function createValidator(
  run: PpoRun,
  options: PpoOptions,
  reference: Weights,
  sampler: ResponseSampler,
  meter: TokenMeter,
): Promise<Validator> {
  const { validation, signal } = run;
  const drawn = { ...options, samplesPerPrompt: 1, stream: 'validation', signal };
  const fixed = options.greedyReference ? await greedyResponses(run, options, reference) : undefined;
  return {
    async score() {
      const rollouts = await collect(sampler, validation, { ...drawn, greedyReference: false });
      const groups = rewardGroups(rollouts).map((group, i) =>
        fixed === undefined ? group : { ...group, reference: fixed[i]! },
      );
      const rewards = await scoreGroups(run.reward, groups, { signal });
      const heldOut = run.heldOut && (await scoreGroups(run.heldOut, groups, { signal }));
      const measured = await meter.reference(responseTokens(rollouts), true, signal);
      return {
        reward: mean(rewards.flat()),
        ...(heldOut !== undefined && { heldOut: mean(heldOut.flat()) }),
        kl: mean(measured.map(({ kl }) => kl!.reduce((sum, value) => sum + value, 0))),
      };
    },
    copyOfPolicy: () => copyWeights(run.policy.weights),
  };
}

async function greedyResponses(
  { policy, tokenizer, encoder, validation, signal }: PpoRun,
  { maxNewTokens }: PpoOptions,
  weights: Weights,
): Promise<string[]> {
  const sampler = createResponseSampler({ config: policy.config, weights, tokenizer, encoder });
  try {
    const items = validation.map(({ id, prompt }) => ({ id, prompt, decodings: [{ temperature: 0 }] }));
    const sampled = await sampler.sample(items, { maxNewTokens, signal });
    return sampled.map(({ responses }) => responses[0]!.text);
  } finally {
    sampler.dispose();
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
