import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, mean } from '@gram/base';
import { initAdapter } from '@gram/model';
import { afterAll, describe, expect, it } from 'vitest';
import { contents } from '../__fixtures__/directory.js';
import { tinyConfig, tinyRun } from '../__fixtures__/tiny-run.js';
import { ppoOptions } from '../options.js';
import type { RewardFunction } from '../rewards/reward.js';
import { ppo } from '../trainer.js';
import type { PpoStepRecord } from './run.js';

const root = mkdtempSync(join(tmpdir(), 'gram-online-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A policy that learns from its best responses, and from its worst. */
function run() {
  const { value: _, validation: __, ...tiny } = tinyRun({ ...tinyConfig, numHiddenLayers: 1 });
  return tiny;
}

const equal: RewardFunction = (groups) => groups.map(({ responses }) => responses.map(() => 1));

const options = {
  steps: 14,
  maxNewTokens: 6,
  batchSize: 4,
  samplesPerPrompt: 6,
  sampling: { temperature: 1, topP: 1 },
  miniBatchSize: 2,
  epochs: 2,
  policyLearningRate: 1e-2,
  checkpointEvery: 2,
  seed: 4,
} as const;

describe.each(['preference', 'best'] as const)('a policy that learns by %s', (objective) => {
  it('gets a higher reward', async () => {
    const { steps } = await ppo({ ...run(), options: { ...options, objective } });
    const score = (part: readonly PpoStepRecord[]) => mean(part.map((record) => record.score ?? Number.NaN));
    expect(score(steps.slice(-4))).toBeGreaterThan(score(steps.slice(0, 4)) + 0.05);
    const [first] = steps;
    // A pair has two responses of six, a choice one.
    expect(first!.excluded).toBe(24 - 4 * (objective === 'preference' ? 2 : 1));
    expect(first!.accuracy === undefined).toBe(objective === 'best');
  });

  it('begins at the loss of a policy that is its own reference', async () => {
    // One mini-batch: a second one would meet the policy that the first has changed.
    const once = { ...options, objective, steps: 1, epochs: 1, miniBatchSize: options.batchSize };
    const { steps } = await ppo({ ...run(), options: once });
    if (objective === 'preference') expect(steps[0]!.policyLoss).toBeCloseTo(Math.LN2, 5);
    else expect(steps[0]!.policyLoss).toBeGreaterThan(1);
  });

  it('stays as it is where all responses are equally good', async () => {
    const flat = {
      ...run(),
      reward: equal,
    };
    const { steps } = await ppo({ ...flat, options: { ...options, objective, steps: 2 } });
    for (const { policyLoss, excluded } of steps) expect([policyLoss, excluded]).toEqual([undefined, 24]);
  });

  it('resumes to the same bytes, as an adapter', { timeout: 120_000 }, async () => {
    const adapted = () => {
      const own = run();
      const { config, weights } = own.policy;
      const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] as const };
      const adapter = { lora, weights: initAdapter(config, lora, weights, createRandom(1, 'adapter')) };
      return { ...own, policy: { ...own.policy, adapter } };
    };
    const short = { ...options, objective, steps: 4 };
    const [straight, stopped] = [join(root, `${objective} straight`), join(root, `${objective} stopped`)];
    await ppo({ ...adapted(), options: short, output: straight });
    const stop = new AbortController();
    const onStep = ({ step }: PpoStepRecord) => void (step === 3 && stop.abort(new Error('stop')));
    const first = ppo({ ...adapted(), options: short, output: stopped, onStep, signal: stop.signal });
    await expect(first).rejects.toThrow('stop');
    await ppo({ ...adapted(), options: short, output: stopped, resume: true });
    expect(contents(stopped)).toEqual(contents(straight));
  });
});

it('refuses what has no meaning there', () => {
  const refused = (more: object) => () => ppoOptions({ steps: 1, maxNewTokens: 2, ...more } as never);
  expect(refused({ objective: 'preference', advantages: 'grpo' })).toThrow(
    /advantages: is grpo, and preference/,
  );
  expect(refused({ objective: 'preference', reference: 'none' })).toThrow(/kl.weight: is 0/);
  expect(refused({ objective: 'best', kl: { weight: 1 } })).toThrow(/imitated without a KL/);
  expect(refused({ objective: 'best', samplesPerPrompt: 1 })).toThrow(/best compares responses/);
  expect(refused({ objective: 'best', entropyWeight: 1 })).toThrow(/entropyWeight/);
  expect(ppoOptions({ steps: 1, maxNewTokens: 2, objective: 'preference' })).toMatchObject({
    ...{ advantages: 'none', samplesPerPrompt: 4, valueOnlySteps: 0 },
    kl: { weight: 0.1 },
  });
});
