import { conversationKey, KeySet } from '@gram/base';
import { loadModel } from '@gram/model';
import { fingerprintOf } from '@gram/run';
import { createOptimizer } from '@gram/train';
import { type PpoOptions, type PpoOptionsInput, ppoOptions } from '../options.js';
import type { NamedReward } from '../rewards/named-reward.js';
import type { PpoRun } from '../run/run.js';
import { algorithmOptions, type RlhfConfig } from '../settings/schema.js';
import { valueModelFrom } from '../value-model.js';
import { loadPolicyModel, type PolicyModel } from './policy.js';
import { type LoadedPrompts, loadPrompts } from './prompts.js';
import { compareWithGreedy, identified, openRewards, rewardTools } from './rewards.js';
import { tryRewards } from './try-rewards.js';

/** The methods by the names that they are known by, as what they learn from and how they estimate advantages. */
export const rlhfMethods = {
  ppo: { advantages: 'gae' },
  grpo: { advantages: 'grpo' },
  rloo: { advantages: 'rloo' },
  'online-dpo': { objective: 'preference' },
  distill: { objective: 'best' },
} as const satisfies Record<string, Pick<PpoOptionsInput, 'advantages' | 'objective'>>;

/** Name of a method. */
export type RlhfMethod = keyof typeof rlhfMethods;

/** A run with everything loaded, every prompt encoded, and every reward tried. Nothing has been written. */
export interface PreparedRlhf {
  /** Arguments of `ppo`, but how it is followed. */
  readonly run: Omit<PpoRun, 'output' | 'resume' | 'watch' | 'signal' | 'onStep' | 'onEvaluation' | 'onNote'>;
  readonly options: PpoOptions;
  readonly prompts: LoadedPrompts;
  /** The prompts on which the policy is measured, where there are any. */
  readonly validation?: LoadedPrompts;
  /** Number of validation prompts that are learned from as well. */
  readonly sharedPrompts: number;
  /** Room for a prompt, in tokens. */
  readonly longestPrompt: number;
  /** Mean of each reward in the trial. */
  readonly trial: Readonly<Record<string, number>>;
  /** Frees the models behind the rewards. */
  dispose(): void;
}

/** Options of `prepareRlhf`. */
export interface PrepareOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Loads what a configuration of RLHF names, and tries all of it before anything costs much: the policy with its tokenizer and
 * `gram.json`, every prompt, encoded and fitted, and every reward on a first batch of short responses.
 *
 * @throws PpoError `bad-option`, `no-data`, `reward-failed`; TokenizeError `too-long`, which names the prompt; the errors of the
 *   readers, of `loadModel` and of `loadRewardModel`
 *
 * @example
 * ```ts
 * const prepared = await prepareRlhf('grpo', await loadRlhfConfig('grpo.yaml'));
 * ```
 */
export async function prepareRlhf(
  method: RlhfMethod,
  config: RlhfConfig,
  { signal }: PrepareOptions = {},
): Promise<PreparedRlhf> {
  const options = optionsOf(method, config);
  const policy = await loadPolicyModel(config, options, signal);
  const reading = { encoder: policy.encoder, signal, dropsLong: config.overlong === 'drop' };
  const prompts = await loadPrompts(config.prompts, reading);
  const validation = config.validation && (await loadPrompts(config.validation, reading));
  const opened = await openRewards(config.rewards, rewardTools(policy, { device: config.device, signal }));
  try {
    const rewards = opened.list.filter(({ name }) => name !== config.heldOut);
    const heldOut = opened.list.find(({ name }) => name === config.heldOut);
    const reference = await loadReference(config, signal);
    const run = runOf(config, options, { policy, reference, prompts, validation, rewards, heldOut });
    const trial = await tryRewards(run, opened.list, { options, signal });
    return {
      ...{ run, options, prompts, trial },
      ...(validation && { validation }),
      sharedPrompts: validation === undefined ? 0 : countShared(prompts, validation),
      longestPrompt: policy.longestPrompt,
      dispose: opened.dispose,
    };
  } catch (cause) {
    opened.dispose();
    throw cause;
  }
}

function optionsOf(method: RlhfMethod, config: RlhfConfig): PpoOptions {
  const options = algorithmOptions(config);
  return ppoOptions({
    ...options,
    ...rlhfMethods[method],
    // Drawing them costs; only what compares with them needs them.
    greedyReference: options.greedyReference && compareWithGreedy(config.rewards),
    optimizer: createOptimizer(config.optimizer),
  });
}

/** Loads the model that the KL is measured to, where it is not the policy at the start. */
async function loadReference(
  { referenceModel }: RlhfConfig,
  signal: AbortSignal | undefined,
): Promise<PpoRun['reference']> {
  if (referenceModel === undefined) return undefined;
  const { config, weights } = await loadModel(referenceModel, { ...(signal && { signal }) });
  return { config, weights };
}

function runOf(
  config: RlhfConfig,
  options: PpoOptions,
  {
    policy,
    reference,
    prompts,
    validation,
    rewards,
    heldOut,
  }: {
    readonly policy: PolicyModel;
    readonly reference: PpoRun['reference'];
    readonly prompts: LoadedPrompts;
    readonly validation: LoadedPrompts | undefined;
    readonly rewards: readonly NamedReward[];
    readonly heldOut: NamedReward | undefined;
  },
): PreparedRlhf['run'] {
  const { model, files, tokenizer, encoder, stopIds } = policy;
  const stop = { ids: stopIds, strings: config.stop };
  return {
    policy: model,
    ...(options.advantages === 'gae' && {
      value: valueModelFrom(model, { sharesPolicy: config.value === 'policy' }),
    }),
    ...(reference && { reference }),
    ...{ files, tokenizer, encoder, options, stop },
    prompts: prompts.prompts,
    ...(validation && { validation: validation.prompts }),
    reward: rewards,
    ...(heldOut && { heldOut }),
    keepCheckpoints: config.keepCheckpoints,
    device: config.device,
    precision: config.precision,
    baseModel: config.policy.model,
    identity: { rewards: fingerprintOf(identified(config.rewards)) },
  };
}

/** Counts the validation prompts that are learned from as well. */
function countShared({ prompts }: LoadedPrompts, validation: LoadedPrompts): number {
  const seen = new KeySet();
  for (const { prompt } of prompts) seen.add(conversationKey(prompt));
  return validation.prompts.filter(({ prompt }) => seen.has(conversationKey(prompt))).length;
}
