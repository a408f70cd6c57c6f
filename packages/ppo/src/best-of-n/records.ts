import { mean } from '@gram/base';
import type { Curve, RunMetrics, StepRecord } from '@gram/run';
import type { NamedReward } from '../rewards/named-reward.js';
import { meanRewards } from '../rewards/reward-list.js';
import type { Candidate, Choice } from './choose.js';

const curves: readonly Curve[] = [
  {
    ...{ name: 'chosen', title: 'Reward of the chosen responses', unit: 'mean over prompts' },
    ...{ group: 'rollout', isHeadline: true },
  },
  {
    ...{ name: 'score', title: 'Reward of all responses', unit: 'mean over responses' },
    ...{ group: 'rollout', isHeadline: true },
  },
  { name: 'unrewarded', title: 'Without a reward', unit: 'responses', group: 'rollout' },
  { name: 'length', title: 'Length', unit: 'tokens a response', group: 'rollout' },
  { name: 'ended', title: 'Ended', unit: 'share of responses', group: 'rollout' },
];

/** Curves of the records of batches: one more for each of several rewards. */
export function batchMetrics(rewards: readonly Pick<NamedReward, 'name' | 'weight'>[]): RunMetrics {
  const own = rewards.map(({ name, weight = 1 }): Curve => {
    const unit = weight === 0 ? 'mean over responses, only watched' : `mean over responses, weight ${weight}`;
    return { name: `rewards.${name}`, title: `Reward ${name}`, unit, group: 'rollout' };
  });
  return { curves: [...curves, ...(own.length < 2 ? [] : own)], evaluation: 'validation', bestBy: [] };
}

/** Numbers of a batch of prompts, which is the step `step` of a choice. A pure function: a resumed run logs the same. */
export function recordOfBatch(step: number, choices: readonly Choice[]): StepRecord {
  const all = choices.flatMap(({ candidates }) => candidates);
  const rewardsOf = (candidates: readonly Candidate[]) => candidates.flatMap(({ reward }) => reward ?? []);
  const chosen = rewardsOf(
    choices.flatMap(({ chosen: place, candidates }) => (place === null ? [] : (candidates[place] ?? []))),
  );
  const rewarded = rewardsOf(all);
  const names = Object.keys(all[0]?.rewards ?? {}).map((name) => ({ name }));
  return {
    step,
    ...(chosen.length > 0 && { chosen: mean(chosen), score: mean(rewarded) }),
    rewards: meanRewards(names, all),
    unrewarded: all.length - rewarded.length,
    tokens: all.reduce((sum, { length }) => sum + length, 0),
    length: mean(all.map(({ length }) => length)),
    ended: mean(all.map(({ ended }) => Number(ended))),
  };
}
