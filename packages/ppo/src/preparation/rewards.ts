import type { DeviceName } from '@gram/engine';
import {
  type DiscriminativeRewardModel,
  type GenerativeRewardModel,
  loadRewardAdapter,
  loadRewardModel,
  type SharedBase,
} from '@gram/reward';
import { readJudgePrompt } from '@gram/tokenize';
import { importModule } from '@gram/train';
import { PpoError } from '../error.js';
import { comparingForms, remoteReward } from '../rewards/http-reward.js';
import type { NamedReward } from '../rewards/named-reward.js';
import type { RewardFunction, RewardGroup } from '../rewards/reward.js';
import { answerReward, preferenceReward, scalarReward, winRateReward } from '../rewards/reward-function.js';
import { formatReward, lengthReward, patternReward } from '../rewards/rules.js';
import type { RewardConfig } from '../settings/schema.js';
import type { PolicyModel } from './policy.js';

/** Rewards of a configuration with the models behind them. */
export interface OpenRewards {
  readonly list: readonly NamedReward[];
  /** Frees the models. */
  dispose(): void;
}

/** The parts of a run that rewards may need. */
export interface RewardTools {
  /** Writes a prompt as the policy reads it. */
  render(group: RewardGroup): Promise<string>;
  /** Device of the models that name none. */
  readonly device: DeviceName | 'auto';
  /** The model of the policy, whose weights adapters share. */
  readonly base: SharedBase;
  readonly signal?: AbortSignal | undefined;
}

/** Returns the parts that a loaded policy has for rewards. */
export function rewardTools(
  { model, files, encoder, tokenizer }: PolicyModel,
  { device, signal }: Pick<RewardTools, 'device'> & { readonly signal: AbortSignal | undefined },
): RewardTools {
  return {
    async render({ prompt, tools }) {
      const { ids } = await encoder.prompt({ prompt, tools });
      return tokenizer.decode(ids);
    },
    ...{ device, base: { ...model, files } },
    ...(signal && { signal }),
  };
}

/** The settings of rewards that decide what they say: how often a call is repeated does not. */
export function identified(rewards: readonly RewardConfig[]): object[] {
  return rewards.map(({ retries: _, timeout: __, ...rest }) => rest);
}

/** Whether one of the rewards compares with the greedy response, which costs as much as another one. */
export function compareWithGreedy(rewards: readonly RewardConfig[]): boolean {
  const asks = ({ form, against }: NonNullable<RewardConfig['remote']>) =>
    against === 'greedy' && comparingForms.includes(form);
  return rewards.some(
    ({ judge, remote }) => judge?.against === 'greedy' || (remote !== undefined && asks(remote)),
  );
}

type Model = GenerativeRewardModel | DiscriminativeRewardModel;
type ModelOptions = NonNullable<RewardConfig['judge'] | RewardConfig['scorer']>;

/**
 * Opens the rewards of a configuration. A model that several rewards use in the same way is loaded once.
 *
 * @throws PpoError `bad-option`; TrainError `bad-config` for a module that fails; the errors of `loadRewardModel`
 */
export async function openRewards(
  configs: readonly RewardConfig[],
  tools: RewardTools,
): Promise<OpenRewards> {
  const models = new Map<string, Model>();
  const load = async ({ model, adapter, ...options }: ModelOptions) => {
    const { judgePrompt } = options as { readonly judgePrompt?: string };
    const { overlong, precision, device = tools.device } = options;
    const key = JSON.stringify([model, adapter, overlong, precision, device, judgePrompt]);
    const known = models.get(key);
    if (known !== undefined) return known;
    const prompt = judgePrompt === undefined ? {} : { judgePrompt: await readJudgePrompt(judgePrompt) };
    const { signal, base } = tools;
    const asked = { overlong, ...prompt };
    const loaded =
      adapter === undefined
        ? // The schema of the configuration has checked that one of both is given.
          await loadRewardModel(model ?? '', { ...asked, precision, device, ...(signal && { signal }) })
        : await loadRewardAdapter(adapter, base, { ...asked, device });
    models.set(key, loaded);
    return loaded;
  };
  const dispose = () => {
    for (const model of models.values()) model.dispose();
  };
  try {
    const list: NamedReward[] = [];
    for (const config of configs) list.push(await open(config, load, tools));
    return { list, dispose };
  } catch (cause) {
    dispose();
    throw cause;
  }
}

async function open(
  config: RewardConfig,
  load: (options: ModelOptions) => Promise<Model>,
  tools: RewardTools,
): Promise<NamedReward> {
  const { name, weight, onFailure } = config;
  const usual = config.remote === undefined ? {} : { retries: 4, timeout: 60, deadline: 180 };
  const { retries = 0, timeout, deadline } = { ...usual, ...given(config) };
  return {
    ...{ name, weight },
    reward: await functionOf(config, load, tools, deadline),
    failures: {
      ...{ onFailure, retries },
      ...(timeout !== undefined && { timeoutMs: 1000 * timeout }),
      ...(deadline !== undefined && { deadlineMs: 1000 * deadline }),
      ...(config.remote && { concurrency: config.remote.concurrency }),
    },
  };
}

/** The bounds that a configuration names. */
function given({ retries, timeout, deadline }: RewardConfig): {
  readonly retries?: number;
  readonly timeout?: number;
  readonly deadline?: number;
} {
  return {
    ...(retries !== undefined && { retries }),
    ...(timeout !== undefined && { timeout }),
    ...(deadline !== undefined && { deadline }),
  };
}

async function functionOf(
  { name, judge, scorer, remote, module, length, pattern, format, timeout }: RewardConfig,
  load: (options: ModelOptions) => Promise<Model>,
  { render }: RewardTools,
  deadline: number | undefined,
): Promise<RewardFunction> {
  if (judge !== undefined) {
    const model = await load(judge);
    if (judge.against === 'group') return winRateReward(model);
    return judge.against === 'answer' ? answerReward(model) : preferenceReward(model);
  }
  if (scorer !== undefined)
    return scalarReward(scoring(await load(scorer), name, scorer.model ?? scorer.adapter ?? ''));
  if (remote !== undefined) {
    const {
      url,
      form,
      against,
      model,
      apiKeyVariable = form === 'gram' ? 'GRAM_API_KEY' : undefined,
    } = remote;
    const apiKey = apiKeyVariable === undefined ? undefined : process.env[apiKeyVariable];
    if (remote.apiKeyVariable !== undefined && (apiKey === undefined || apiKey === '')) {
      throw new PpoError(
        'bad-option',
        `the reward ${name} has its key in the environment variable ${apiKeyVariable}, which is not set`,
        `set ${apiKeyVariable}`,
      );
    }
    const deadlineMs = 1000 * Math.min(timeout ?? 60, deadline ?? 180);
    return remoteReward({
      ...{ url, form, against, deadlineMs, render },
      ...(model !== undefined && { model }),
      ...(apiKey !== undefined && { apiKey }),
    });
  }
  if (module !== undefined) return moduleReward(name, module);
  if (length !== undefined) return lengthReward(length);
  if (pattern !== undefined) return patternReward(pattern.match, pattern.flags);
  return formatReward(format?.json === true ? { json: true } : { tags: format?.tags ?? [] });
}

function scoring(model: Model, name: string, source: string): DiscriminativeRewardModel {
  if (model.kind === 'discriminative') return model;
  throw new PpoError(
    'bad-option',
    `the reward ${name} is a scorer, and ${source} compares responses`,
    'make it a judge, which says what a response is compared with',
  );
}

async function moduleReward(name: string, path: string): Promise<RewardFunction> {
  const exported = await importModule(path, 'reward function');
  if (typeof exported !== 'function') {
    throw new PpoError(
      'bad-option',
      `the default export of ${path}, the reward ${name}, is ${typeof exported}`,
      'export a function of groups and context',
    );
  }
  // Its results are checked at every call.
  return exported as RewardFunction;
}
