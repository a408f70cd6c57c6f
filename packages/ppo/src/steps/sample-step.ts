import { createRandom, zip } from '@gram/base';
import type { ResponseSampler } from '@gram/reward';
import type { PpoOptions } from '../options.js';
import type { Team } from '../ranks/together.js';
import { askTogether } from '../rewards/ask-together.js';
import type { NamedReward } from '../rewards/named-reward.js';
import type { ResponseRewards } from '../rewards/reward-list.js';
import { vary } from '../rewards/signal.js';
import { collect, type Rollout, rewardGroups } from '../rollout/collect.js';
import type { RunPrompt } from '../rollout/run-prompt.js';
import { promptsOfStep } from './schedule.js';

/** A prompt with its responses and their rewards. */
export interface ScoredRollout extends Rollout {
  /** One for each response, as the reward functions gave it. */
  readonly rewards: readonly ResponseRewards[];
}

/** The responses of a step. */
export interface StepSample {
  /** All that were drawn. */
  readonly drawn: readonly ScoredRollout[];
  /** The prompts to learn from, at most `batchSize`. With dynamic sampling those whose rewards vary, where there are any. */
  readonly learned: readonly ScoredRollout[];
  /** Batches of prompts that were drawn. */
  readonly rounds: number;
  /** Calls of reward functions that failed, whether or not a repetition succeeded. */
  readonly failedCalls: number;
}

/** The parts of a run that `sampleStep` draws and scores with. */
export interface StepSource {
  readonly prompts: readonly RunPrompt[];
  readonly sampler: Pick<ResponseSampler, 'sample'>;
  readonly rewards: readonly NamedReward[];
  /** The ranks that draw and score together. */
  readonly team: Team;
}

/**
 * Draws the responses of a step, counted from 1, and scores them.
 *
 * With dynamic sampling (DAPO, Yu et al. 2025, section 3.2) a prompt whose responses all have the same reward gives way to another
 * one, until `batchSize` are there or `maxRounds` batches were drawn or the list has no further prompt. A pure function of its
 * arguments, as long as the reward is.
 */
export async function sampleStep(
  { prompts, sampler, rewards: list, team }: StepSource,
  step: number,
  options: PpoOptions,
): Promise<StepSample> {
  const { batchSize, seed, dynamicSampling, unended } = options;
  let failedCalls = 0;
  const scored = async (chosen: readonly RunPrompt[], stream: string | number) => {
    const rollouts = await collect(sampler, chosen, { ...options, stream, signal: team.signal });
    const rewarded = await askTogether(team, list, rewardGroups(rollouts));
    failedCalls += rewarded.failedCalls;
    return zip(rollouts, rewarded.groups).map(
      ([rollout, own]): ScoredRollout => ({ ...rollout, rewards: own }),
    );
  };
  const first = promptsOfStep(prompts, batchSize, { seed, step });
  const drawn = await scored(first, step);
  if (dynamicSampling === undefined) return { drawn, learned: drawn, rounds: 1, failedCalls };
  const tells = (rollout: ScoredRollout) => vary(scoresOf(rollout, unended));
  const others = createRandom(seed, 'further prompts', step).shuffle(
    prompts.filter((prompt) => !first.includes(prompt)),
  );
  let rounds = 1;
  while (rounds < dynamicSampling.maxRounds && drawn.filter(tells).length < batchSize) {
    const further = others.splice(0, batchSize);
    if (further.length === 0) break;
    rounds++;
    drawn.push(...(await scored(further, `${step}, round ${rounds}`)));
  }
  const telling = drawn.filter(tells);
  const learned = (telling.length > 0 ? telling : drawn).slice(0, batchSize);
  return { drawn, learned, rounds, failedCalls };
}

/** The rewards of the responses to one prompt, less the penalty of those without an end token; null where there is none. */
export function scoresOf(
  { responses, rewards }: Pick<ScoredRollout, 'responses' | 'rewards'>,
  { penalty }: Pick<PpoOptions['unended'], 'penalty'>,
): (number | null)[] {
  return zip(responses, rewards).map(([{ finished }, { reward }]) =>
    reward === null || finished === 'stop' ? reward : reward - penalty,
  );
}
