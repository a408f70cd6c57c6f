import { describe, expect, it } from 'vitest';
import { type PpoOptionsInput, ppoOptions } from './options.js';

const least: PpoOptionsInput = { steps: 1000, maxNewTokens: 300 };

describe('ppoOptions', () => {
  it('defaults to what is known of the paper', () => {
    expect(ppoOptions(least)).toMatchObject({
      batchSize: 64,
      samplesPerPrompt: 1,
      sampling: { temperature: 0.75, topP: 0.95 },
      greedyReference: true,
      advantages: 'gae',
      epochs: 4,
      policyLearningRate: 1e-5,
      valueLearningRate: 5e-6,
      valueOnlySteps: 30,
      rewardScale: 10,
      queueSize: 1000,
      kl: { in: 'reward', estimator: 'k1' },
      evaluateEvery: 200,
      checkpointEvery: 200,
    });
  });

  it('follows the other options where they decide', () => {
    expect(ppoOptions({ ...least, advantages: 'grpo' })).toMatchObject({
      samplesPerPrompt: 4,
      valueOnlySteps: 0,
      kl: { in: 'loss', estimator: 'k3', weight: 0.05 },
    });
    expect(ppoOptions({ ...least, rewardScale: 1 }).valueClip).toBeCloseTo(0.2);
    expect(ppoOptions({ ...least, kl: { in: 'loss' } }).kl.estimator).toBe('k3');
  });

  it.each<[string, object]>([
    ['steps', { steps: 0 }],
    ['maxNewTokens', { maxNewTokens: 1.5 }],
    ['sampling.temperature', { sampling: { temperature: 0, topP: 1 } }],
    ['sampling.topP', { sampling: { temperature: 1, topP: 1.1 } }],
    ['advantages', { advantages: 'ppo' }],
    ['kl.weight', { kl: { weight: -1 } }],
    ['kl.estimator', { kl: { estimator: 'k4' } }],
    ['clip', { clip: 1 }],
    ['lambda', { lambda: Number.NaN }],
    ['gamma', { gamma: 10 }],
    ['kl.alpha', { kl: { alpha: 1 } }],
    ['samplesPerPrompt', { advantages: 'rloo', samplesPerPrompt: 1 }],
    ['valueOnlySteps', { advantages: 'grpo', valueOnlySteps: 30 }],
    ['valueOnlySteps', { steps: 30 }],
  ])('names %s when it is wrong', (name, change) => {
    const call = () => ppoOptions({ ...least, ...change } as PpoOptionsInput);
    expect(call).toThrow(expect.objectContaining({ code: 'bad-option' }));
    expect(call).toThrow(new RegExp(`^${name}: `));
  });
});
