import type { Curve, RunMetrics, StepRecord } from '@gram/run';
import type { NamedReward } from '../rewards/named-reward.js';
import type { PpoEvaluation, PpoStepRecord } from './run.js';

/**
 * What the records of a run say. The best policy is the one with the highest reward on the validation prompts: the held-out
 * reward where there is one.
 */
export const ppoMetrics: RunMetrics = {
  curves: [
    {
      name: 'score',
      title: 'Reward',
      unit: 'mean over responses',
      group: 'rollout',
      evaluation: 'reward',
      isHeadline: true,
    },
    {
      name: 'heldOut',
      title: 'Held-out reward',
      unit: 'mean over responses, only watched',
      group: 'rollout',
      evaluation: 'heldOut',
    },
    {
      name: 'kl',
      title: 'KL to the reference',
      unit: 'nats a response',
      group: 'rollout',
      evaluation: 'kl',
      isHeadline: true,
    },
    { name: 'failed', title: 'Failed rewards', unit: 'responses', group: 'rollout' },
    { name: 'unrewarded', title: 'Without a reward', unit: 'responses', group: 'rollout' },
    { name: 'length', title: 'Length', unit: 'tokens a response', group: 'rollout' },
    { name: 'excluded', title: 'Out of the loss', unit: 'responses', group: 'rollout' },
    { name: 'varied', title: 'Rewards vary', unit: 'share of prompts', group: 'rollout' },
    { name: 'rounds', title: 'Batches drawn', unit: 'a step', group: 'rollout' },
    { name: 'ended', title: 'Ended', unit: 'share of responses', group: 'rollout' },
    {
      ...{ name: 'importance.spread', title: 'Distance of the rounded policy', unit: 'nats a token' },
      group: 'rollout',
    },
    {
      ...{ name: 'importance.most', title: 'Largest ratio to the rounded policy', unit: 'of a token' },
      group: 'rollout',
    },
    {
      ...{ name: 'importance.effective', title: 'Tokens that the correction leaves', unit: 'share' },
      group: 'rollout',
    },
    { name: 'policyLoss', title: 'Policy loss', unit: 'mean over tokens', group: 'policy' },
    { name: 'approxKl', title: 'KL of a step', unit: 'nats a token', group: 'policy' },
    { name: 'clipped', title: 'Clipped', unit: 'share of tokens', group: 'policy' },
    { name: 'entropy', title: 'Entropy', unit: 'nats a token', group: 'policy' },
    { name: 'accuracy', title: 'Pairs decided as rewarded', unit: 'share', group: 'policy' },
    { name: 'klWeight', title: 'Weight of the KL', unit: '', group: 'policy' },
    { name: 'learningRate', title: 'Learning rate', unit: '', group: 'policy' },
    { name: 'valueLoss', title: 'Value loss', unit: 'mean over tokens', group: 'value' },
  ],
  evaluation: 'validation',
  bestBy: [
    { name: 'heldOut', better: 'higher' },
    { name: 'reward', better: 'higher' },
  ],
};

type Done = { readonly steps: readonly PpoStepRecord[]; readonly evaluations: readonly PpoEvaluation[] };

/** The metrics of a run with several rewards: one curve more for each of them. */
export function metricsOf(rewards: readonly Pick<NamedReward, 'name' | 'weight'>[]): RunMetrics {
  if (rewards.length < 2) return ppoMetrics;
  const [score, ...others] = ppoMetrics.curves;
  const own = rewards.map(({ name, weight = 1 }): Curve => {
    const unit = weight === 0 ? 'mean over responses, only watched' : `mean over responses, weight ${weight}`;
    const path = `rewards.${name}`;
    return { name: path, title: `Reward ${name}`, unit, group: 'rollout', evaluation: path };
  });
  return { ...ppoMetrics, curves: [...(score === undefined ? [] : [score]), ...own, ...others] };
}

/** The records of all steps as a run logs them, each with the evaluation after it. */
export function recordsOf({ steps, evaluations }: Done): StepRecord[] {
  const measured = new Map(evaluations.map((evaluation) => [evaluation.step, numbersOf(evaluation)]));
  const before = measured.get(0);
  return [
    ...(before === undefined ? [] : [{ step: 0, validation: before }]),
    ...steps.map((record) => ({ ...record, validation: measured.get(record.step) })),
  ].map(withoutAbsent);
}

/** The record of the newest step, or of the evaluation before the first one. */
export function newestRecord({ steps, evaluations }: Done): StepRecord {
  const [record = { step: 0 }] = recordsOf({
    steps: steps.slice(-1),
    evaluations: evaluations.slice(-1),
  }).slice(-1);
  return record;
}

function numbersOf({ reward, rewards, heldOut, truncated, neutralized, unrewarded, kl }: PpoEvaluation) {
  const named = Object.entries(rewards).map(([name, value]) => [`rewards.${name}`, value] as const);
  return {
    reward,
    ...Object.fromEntries(named),
    ...(heldOut !== undefined && { heldOut }),
    ...{ truncated, neutralized, unrewarded },
    ...(kl !== undefined && { kl }),
  };
}

/** JSON leaves out what is undefined: a record that was read equals the one that was written. */
function withoutAbsent(record: StepRecord): StepRecord {
  const present = Object.entries(record).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(present), step: record.step };
}
