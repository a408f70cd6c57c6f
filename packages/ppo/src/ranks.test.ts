import { deviceStates } from '@gram/engine/testing';
import type { Weights } from '@gram/model';
import type { Communicator } from '@gram/train';
import { expect, it } from 'vitest';
import { togetherInOneProcess } from '../../train/src/distributed/__fixtures__/in-process.js';
import { letterShare, tinyRun } from './__fixtures__/tiny-run.js';
import type { PpoOptionsInput } from './options.js';
import { failedTogether } from './ranks/together.js';
import type { RewardFunction } from './rewards/reward.js';
import type { PpoResult, PpoRun } from './run/run.js';
import { ppo } from './trainer.js';

const shared = {
  steps: 3,
  maxNewTokens: 8,
  batchSize: 3,
  miniBatchSize: 5,
  epochs: 2,
  evaluateEvery: 2,
  policyLearningRate: 1e-3,
  valueLearningRate: 1e-3,
  seed: 3,
} as const;

/** All that is computed in one place or another: value models, groups, the KL in the reward and in the loss, further prompts. */
const kinds: Readonly<Record<string, PpoOptionsInput>> = {
  gae: { ...shared, samplesPerPrompt: 2, valueOnlySteps: 1 },
  grpo: {
    ...shared,
    advantages: 'grpo',
    samplesPerPrompt: 2,
    kl: { weight: 0.1, estimator: 'full' },
    dynamicSampling: { maxRounds: 2 },
  },
};

/** Ranks have their own copies of everything. */
function runOf(options: PpoOptionsInput): PpoRun {
  const { value, ...run } = tinyRun();
  return { ...run, ...(options.advantages === undefined && { value }), options };
}

/** The numbers of a run: what was drawn, learned and measured. */
function numbersOf({ steps, evaluations }: PpoResult) {
  return { steps, evaluations };
}

/** Compares all numbers of two trees. */
function expectClose(found: unknown, expected: unknown, path = ''): void {
  if (typeof expected === 'number') {
    expect(Math.abs((found as number) - expected), path).toBeLessThanOrEqual(
      1e-4 * Math.max(1, Math.abs(expected)),
    );
  } else if (typeof expected === 'object' && expected !== null) {
    expect(Object.keys(found as object), path).toEqual(Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) {
      expectClose((found as Record<string, unknown>)[name], value, `${path}.${name}`);
    }
  } else expect(found, path).toBe(expected);
}

function expectCloseWeights(found: Weights, expected: Weights): void {
  for (const [name, { data }] of Object.entries(expected)) {
    const other = found[name]!.data;
    const apart = data.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!)), 0);
    expect(apart, name).toBeLessThan(1e-4);
  }
}

const alone = new Map<string, Promise<{ run: PpoRun; result: PpoResult }>>();

/** The run on one rank of the CPU. */
function aloneOf(kind: string) {
  let known = alone.get(kind);
  if (known === undefined) {
    const run = runOf(kinds[kind]!);
    known = ppo(run).then((result) => ({ run, result }));
    alone.set(kind, known);
  }
  return known;
}

it.each(Object.keys(kinds))(
  'is the same run on two and three ranks, with %s',
  { timeout: 240_000 },
  async (kind) => {
    const expected = await aloneOf(kind);
    for (const size of [2, 3]) {
      const asked: number[] = [];
      await togetherInOneProcess(size, async (communicator) => {
        const run = runOf(kinds[kind]!);
        asked[communicator.rank] = 0;
        const counted: RewardFunction = (groups) => {
          asked[communicator.rank]! += groups.length;
          return letterShare(/[a-z]/g)(groups, {}) as ReturnType<typeof counted>;
        };
        const result = await ppo({ ...run, reward: counted, communicator });
        expectClose(numbersOf(result), numbersOf(expected.result));
        expect(result.best.step).toBe(expected.result.best.step);
        expectCloseWeights(run.policy.weights, expected.run.policy.weights);
        if (run.value) expectCloseWeights(run.value.weights, expected.run.value!.weights);
      });
      // Each asks about its share, and none about all.
      const total = asked.reduce((sum, count) => sum + count, 0);
      for (const count of asked) expect(count).toBeLessThanOrEqual(total / 2 + shared.steps + 3);
      expect(Math.min(...asked)).toBeGreaterThan(0);
    }
  },
);

const webgpu = (await deviceStates()).find(({ device }) => device === 'webgpu');

it.skipIf(webgpu?.reason !== undefined).each(Object.keys(kinds))(
  `is the same run on webgpu, with %s ${webgpu?.reason ?? ''}`,
  { timeout: 240_000 },
  async (kind) => {
    const expected = await aloneOf(kind);
    const run = runOf(kinds[kind]!);
    const result = await ppo({ ...run, device: 'webgpu' });
    expectClose(numbersOf(result), numbersOf(expected.result));
    expectCloseWeights(run.policy.weights, expected.run.policy.weights);
    if (run.value) expectCloseWeights(run.value.weights, expected.run.value!.weights);
  },
);

it('ends all ranks with the failure of one, which names it', { timeout: 60_000 }, async () => {
  const errors: unknown[] = [];
  const run = async (communicator: Communicator) => {
    const failing: RewardFunction = () => {
      throw new Error('the judge is gone');
    };
    const own = runOf(kinds.grpo!);
    const reward = communicator.rank === 1 ? failing : own.reward;
    try {
      await ppo({ ...own, reward, communicator });
    } catch (cause) {
      errors[communicator.rank] = cause;
    }
  };
  await togetherInOneProcess(2, run);
  expect(String(errors[1])).toMatch(/the judge is gone/);
  expect(String(errors[0])).toMatch(/rank 1: .*the judge is gone/);
  expect(errors.map(failedTogether)).toEqual([true, true]);
});

it('stops all ranks where one is told to', { timeout: 60_000 }, async () => {
  const controller = new AbortController();
  const errors: unknown[] = [];
  await togetherInOneProcess(2, async (communicator) => {
    const own = runOf(kinds.grpo!);
    const onStep = () => controller.abort(new Error('enough'));
    const signal = communicator.rank === 0 ? controller.signal : new AbortController().signal;
    await ppo({ ...own, communicator, onStep, signal }).catch((cause: unknown) => {
      errors[communicator.rank] = cause;
    });
  });
  expect(String(errors[0])).toContain('enough');
  expect(errors[1]).toMatchObject({ name: 'AbortError' });
});
