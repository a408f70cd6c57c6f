import { existsSync } from 'node:fs';
import { judgePrompts } from '@gram/tokenize';
import { checkWritten, formatYaml, loadWritten, type PathResolver, pathResolver } from '@gram/train';
import {
  type BestOfNConfig,
  bestOfNKeys,
  bestOfNSchema,
  type RewardConfig,
  type RlhfConfig,
  rlhfKeys,
  rlhfSchema,
} from './schema.js';

/**
 * Reads and checks a configuration of RLHF, in YAML or as the default export of a module in TypeScript or JavaScript, and fills in
 * the defaults. Relative paths start at the directory of the file, or at the current directory without one.
 *
 * @param overrides `key.path=value` each, laid over the file in order; an empty value removes the key
 * @throws TrainError `bad-config`, as `loadTrainingConfig`
 *
 * @example
 * ```ts
 * const config = await loadRlhfConfig('ppo.yaml', ['steps=100']);
 * ```
 */
export async function loadRlhfConfig(
  path: string | undefined,
  overrides: readonly string[] = [],
): Promise<RlhfConfig> {
  const written = await loadWritten(path, overrides);
  const config = checkWritten(written, { schema: rlhfSchema, keys: rlhfKeys }, path ?? 'the configuration');
  const from = pathResolver(path);
  const { path: _, limit: __, ...shared } = config.prompts;
  return {
    ...config,
    policy: { ...config.policy, model: from.model(config.policy.model) },
    prompts: { ...config.prompts, path: from.path(config.prompts.path) },
    ...(config.referenceModel !== undefined && { referenceModel: from.model(config.referenceModel) }),
    ...(config.validation && {
      // Settings that the files share are said once.
      validation: { ...shared, ...config.validation, path: from.path(config.validation.path) },
    }),
    rewards: config.rewards.map((reward) => rewardFrom(reward, from)),
    output: from.path(config.output),
  };
}

/**
 * Reads and checks a configuration of best-of-n, as `loadRlhfConfig` does.
 *
 * @throws TrainError `bad-config`
 */
export async function loadBestOfNConfig(
  path: string | undefined,
  overrides: readonly string[] = [],
): Promise<BestOfNConfig> {
  const written = await loadWritten(path, overrides);
  const shape = { schema: bestOfNSchema, keys: bestOfNKeys };
  const config = checkWritten(written, shape, path ?? 'the configuration');
  const from = pathResolver(path);
  return {
    ...config,
    policy: { ...config.policy, model: from.model(config.policy.model) },
    prompts: { ...config.prompts, path: from.path(config.prompts.path) },
    rewards: config.rewards.map((reward) => rewardFrom(reward, from)),
    output: from.path(config.output),
  };
}

function rewardFrom(reward: RewardConfig, from: PathResolver): RewardConfig {
  const { judge, scorer, module } = reward;
  return {
    ...reward,
    ...(judge && {
      judge: {
        ...judge,
        ...sourceFrom(judge, from),
        ...(judge.judgePrompt && { judgePrompt: promptFrom(judge.judgePrompt, from) }),
      },
    }),
    ...(scorer && { scorer: { ...scorer, ...sourceFrom(scorer, from) } }),
    ...(module !== undefined && { module: from.path(module) }),
  };
}

/** The model or the adapter behind a reward, by its path. */
function sourceFrom(
  { model, adapter }: NonNullable<RewardConfig['scorer']>,
  from: PathResolver,
): Pick<NonNullable<RewardConfig['scorer']>, 'model' | 'adapter'> {
  return {
    ...(model !== undefined && { model: from.model(model) }),
    ...(adapter !== undefined && { adapter: from.path(adapter) }),
  };
}

/** The id of a judging prompt, or the absolute path of the file that has one. */
function promptFrom(prompt: string, from: PathResolver): string {
  const path = from.path(prompt);
  return judgePrompts.some(({ id }) => id === prompt) || !existsSync(path) ? prompt : path;
}

/** Writes a configuration as the YAML that reads back the same. */
export function formatRlhfConfig(config: RlhfConfig | BestOfNConfig): string {
  return formatYaml(config);
}
