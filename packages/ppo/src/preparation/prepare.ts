import { conversationKey, KeySet } from '@gram/base';
import {
  type Companions,
  endIds,
  inspectModel,
  kindOf,
  loadModel,
  longestSequence,
  type ModelConfig,
  readCompanions,
  resolveModel,
  sharedLength,
} from '@gram/model';
import { fingerprintOf } from '@gram/run';
import {
  type ChatEncoder,
  chatLayoutOf,
  createChatEncoder,
  encodingOf,
  type Tokenizer,
  tokenizerOf,
} from '@gram/tokenize';
import { createOptimizer } from '@gram/train';
import { PpoError } from '../error.js';
import { type AdvantageEstimator, type PpoOptions, ppoOptions } from '../options.js';
import type { NamedReward } from '../rewards/named-reward.js';
import type { RewardGroup } from '../rewards/reward.js';
import type { PpoRun } from '../run/run.js';
import type { RlhfConfig } from '../settings/schema.js';
import { valueModelFrom } from '../value-model.js';
import { type LoadedPrompts, loadPrompts } from './prompts.js';
import { openRewards } from './rewards.js';
import { tryRewards } from './try-rewards.js';

/** A method of a command: an estimator of advantages by the name that it is known by. */
export const rlhfMethods = { ppo: 'gae', grpo: 'grpo', rloo: 'rloo' } as const satisfies Record<
  string,
  AdvantageEstimator
>;

/** Name of a method. */
export type RlhfMethod = keyof typeof rlhfMethods;

/** A run with everything loaded, every prompt encoded, and every reward tried. Nothing has been written. */
export interface PreparedRlhf {
  /** Arguments of `ppo`, but how it is followed. */
  readonly run: Omit<PpoRun, 'output' | 'resume' | 'watch' | 'signal' | 'onStep' | 'onEvaluation' | 'onNote'>;
  readonly options: PpoOptions;
  readonly prompts: LoadedPrompts;
  readonly validation: LoadedPrompts;
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
  const { encoder, tokenizer } = policy;
  const reading = { encoder, signal, dropsLong: config.overlong === 'drop' };
  const prompts = await loadPrompts(config.prompts, reading);
  const validation = await loadPrompts(config.validation, reading);
  const render = async ({ prompt, tools }: RewardGroup) => {
    const { ids } = await encoder.prompt({ prompt, tools });
    return tokenizer.decode(ids);
  };
  const opened = await openRewards(config.rewards, { render, device: config.device, signal });
  try {
    const rewards = opened.list.filter(({ name }) => name !== config.heldOut);
    const heldOut = opened.list.find(({ name }) => name === config.heldOut);
    const run = runOf(config, options, { policy, prompts, validation, rewards, heldOut });
    const trial = await tryRewards(run, opened.list, { options, signal });
    return {
      ...{ run, options, prompts, validation, trial },
      sharedPrompts: countShared(prompts, validation),
      longestPrompt: policy.longestPrompt,
      dispose: opened.dispose,
    };
  } catch (cause) {
    opened.dispose();
    throw cause;
  }
}

function optionsOf(method: RlhfMethod, config: RlhfConfig): PpoOptions {
  const { policy: _, prompts: __, validation: ___, rewards, heldOut, output: ____, ...rest } = config;
  const { maxLength: _____, overlong: ______, keepCheckpoints: _______, stop: ________, ...run } = rest;
  const { device: _________, precision: __________, ...options } = run;
  const needsGreedy = rewards.some(
    ({ judge, remote }) => judge?.against === 'greedy' || remote !== undefined,
  );
  return ppoOptions({
    ...options,
    advantages: rlhfMethods[method],
    // Drawing them costs; only what compares with them needs them.
    greedyReference: needsGreedy && options.greedyReference,
    optimizer: createOptimizer(config.optimizer),
  });
}

interface PolicyModel {
  readonly model: PpoRun['policy'];
  readonly files: Companions;
  readonly tokenizer: Tokenizer;
  readonly encoder: ChatEncoder;
  readonly longestPrompt: number;
  /** Tokens of the model that end a response, beside the end of a turn. */
  readonly stopIds: readonly number[];
}

/** Loads the policy. What is small comes first: what does not fit is refused before any weight is read. */
async function loadPolicyModel(
  { policy: { model: source, chat: wanted }, maxLength, overlong }: RlhfConfig,
  { maxNewTokens }: PpoOptions,
  signal: AbortSignal | undefined,
): Promise<PolicyModel> {
  const path = await resolveModel(source, { ...(signal && { signal }) });
  const { config, gram } = await inspectModel(path);
  if (kindOf(config).head !== 'next-token') {
    throw new PpoError(
      'bad-option',
      `${source} scores texts and writes none`,
      'give a language model as policy.model',
    );
  }
  const files = await readCompanions(path);
  const tokenizer = tokenizerOf(files, source);
  if (tokenizer.vocabSize > config.vocabSize) {
    throw new PpoError(
      'bad-option',
      `the tokenizer in ${source} has ${tokenizer.vocabSize} tokens and the model ${config.vocabSize}`,
      'use the tokenizer that belongs to the model',
    );
  }
  const layout = wanted ?? gram?.chat;
  const chat = await chatLayoutOf(files, tokenizer, source, layout === 'template' ? undefined : layout);
  const longest = roomOf(config, maxLength ?? gram?.maxLength, source);
  const longestPrompt = longest - maxNewTokens;
  if (longestPrompt < 1) {
    throw new PpoError(
      'bad-option',
      `maxNewTokens is ${maxNewTokens}, and leaves no room for a prompt in ${longest} tokens`,
      `set maxNewTokens below ${longest}`,
    );
  }
  const encoding = encodingOf(gram);
  const encoder = await createChatEncoder({
    ...{ tokenizer, chat, encoding, maxLength: longestPrompt },
    overlong: overlong === 'truncate' ? 'truncate' : 'error',
  });
  const { weights } = await loadModel(path, { ...(signal && { signal }) });
  return {
    model: { config, weights, gram: { chat: chat.id, maxLength: longest, encoding } },
    ...{ files, tokenizer, encoder, longestPrompt },
    stopIds: endIds(config).filter((id) => id !== encoder.endId),
  };
}

/** Tokens that a prompt and its response may have together. */
function roomOf(config: ModelConfig, wanted: number | undefined, source: string): number {
  // The positions of longer sequences turn by the length to which a batch happens to be padded.
  const longest = Math.min(longestSequence(config), sharedLength(config));
  if (wanted === undefined || wanted <= longest) return wanted ?? longest;
  throw new PpoError(
    'bad-option',
    `maxLength is ${wanted}, and the model in ${source} is made for ${longest} tokens`,
    `set maxLength to ${longest} or less`,
  );
}

function runOf(
  config: RlhfConfig,
  options: PpoOptions,
  {
    policy,
    prompts,
    validation,
    rewards,
    heldOut,
  }: {
    readonly policy: PolicyModel;
    readonly prompts: LoadedPrompts;
    readonly validation: LoadedPrompts;
    readonly rewards: readonly NamedReward[];
    readonly heldOut: NamedReward | undefined;
  },
): PreparedRlhf['run'] {
  const { model, files, tokenizer, encoder, stopIds } = policy;
  const stop = { ids: stopIds, strings: config.stop };
  return {
    policy: model,
    ...(options.advantages === 'gae' && { value: valueModelFrom(model) }),
    ...{ files, tokenizer, encoder, options, stop },
    prompts: prompts.prompts,
    validation: validation.prompts,
    reward: rewards,
    ...(heldOut && { heldOut }),
    keepCheckpoints: config.keepCheckpoints,
    device: config.device,
    precision: config.precision,
    identity: { rewards: fingerprintOf(config.rewards.map(({ retries: _, timeout: __, ...rest }) => rest)) },
  };
}

/** Counts the validation prompts that are learned from as well. */
function countShared({ prompts }: LoadedPrompts, validation: LoadedPrompts): number {
  const seen = new KeySet();
  for (const { prompt } of prompts) seen.add(conversationKey(prompt));
  return validation.prompts.filter(({ prompt }) => seen.has(conversationKey(prompt))).length;
}
