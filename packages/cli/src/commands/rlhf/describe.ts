import { basename } from 'node:path';
import { type Adapter, parameterCount } from '@gram/model';
import type { LoadedPrompts, PreparedRlhf, RlhfConfig, RlhfMethod } from '@gram/ppo';
import { formatNumber } from '@gram/report';

/** Says in lines what a run of RLHF will do with what. */
export function describeRun(
  method: RlhfMethod,
  config: RlhfConfig,
  { run, options, prompts, validation, sharedPrompts, longestPrompt, trial }: PreparedRlhf,
): string[] {
  const { steps, batchSize, samplesPerPrompt, maxNewTokens } = options;
  const responses = steps * batchSize * samplesPerPrompt;
  const { adapter, config: model } = run.policy;
  const trained =
    adapter === undefined
      ? ''
      : `, under an adapter of ${formatNumber(sizeOfAdapter(adapter))} that is trained`;
  const drawn = prompts.prompts.length === 0 ? 0 : (steps * batchSize) / prompts.prompts.length;
  return [
    `${method}: ${formatNumber(steps)} steps of ${batchSize} prompts with ${samplesPerPrompt} responses of at most ${maxNewTokens} tokens`,
    `policy: ${formatNumber(parameterCount(model))} parameters${trained}, prompts of at most ${formatNumber(longestPrompt)} tokens`,
    ...describePrompts('prompts', config.prompts.path, prompts),
    ...(validation === undefined || config.validation === undefined
      ? ['validation: none, the newest policy is the result']
      : describePrompts('validation', config.validation.path, validation)),
    ...(sharedPrompts === 0 ? [] : [`validation: ${sharedPrompts} of the prompts are learned from as well`]),
    ...describeRewards(config.rewards, trial, config.heldOut),
    `estimate: ${formatNumber(responses)} responses, at most ${formatNumber(responses * maxNewTokens)} tokens; each prompt is drawn ${formatNumber(Number(drawn.toPrecision(3)))} times`,
  ];
}

function sizeOfAdapter({ weights }: Adapter): number {
  return Object.values(weights).reduce((sum, { data }) => sum + data.length, 0);
}

/** Says in a line each what rewards are for, and what they were in the trial. */
export function describeRewards(
  rewards: RlhfConfig['rewards'],
  trial: PreparedRlhf['trial'],
  heldOut?: string,
): string[] {
  return rewards.map(({ name, weight }) => {
    const mean = trial[name];
    const role = weight === 0 ? (name === heldOut ? 'held out' : 'a monitor') : `weight ${weight}`;
    return `reward ${name}: ${role}, ${mean === undefined ? 'none' : formatNumber(mean)} in the trial`;
  });
}

/** Says in lines what was read of a file of prompts. */
export function describePrompts(
  what: string,
  path: string,
  { prompts, lengths, counts, notes, truncated, neutralized, dropped }: LoadedPrompts,
): string[] {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const flags = [
    ...(truncated > 0 ? [`${truncated} cut to fit`] : []),
    ...(dropped > 0 ? [`${dropped} left out because they leave no room`] : []),
    ...(neutralized > 0
      ? [`${neutralized} spell control tokens, which are ordinary text to the policy`]
      : []),
  ];
  return [
    `${what}: ${formatNumber(prompts.length)} of ${basename(path)}, the longest of ${formatNumber(longest)} tokens; ${counts}`,
    ...notes.map((note) => `${what}: ${note}`),
    ...flags.map((flag) => `${what}: ${flag}`),
  ];
}
