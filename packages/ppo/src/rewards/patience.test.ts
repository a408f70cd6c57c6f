import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@gram/base';
import { afterAll, describe, expect, it } from 'vitest';
import { contents } from '../__fixtures__/directory.js';
import { tinyConfig, tinyRun } from '../__fixtures__/tiny-run.js';
import type { PpoOptionsInput } from '../options.js';
import { ppo } from '../trainer.js';
import type { NamedReward } from './named-reward.js';
import type { RewardFunction, RewardGroup } from './reward.js';
import { askRewards } from './reward-list.js';

const root = mkdtempSync(join(tmpdir(), 'gram-patience-'));
afterAll(() => rmSync(root, { recursive: true }));

const groups: readonly RewardGroup[] = Array.from({ length: 40 }, (_, i) => ({
  id: `prompt ${i}`,
  prompt: `p ${i}`,
  responses: ['aa', 'bbb'],
}));
/** Never 0, so that a reward of 0 could only come from a failure. */
const good: RewardFunction = (all) => all.map(({ responses }) => responses.map((text) => 10 + text.length));

/** Ways of a judge to fail. */
const faults: Readonly<Record<string, RewardFunction>> = {
  errors: () => {
    throw new Error('overloaded');
  },
  'not a number': (all) => all.map(({ responses }) => responses.map(() => Number.NaN)),
  'wrong counts': (all) => all.map(() => [1, 2, 3]),
  'too few lists': () => [],
  hanging: () => new Promise(() => {}),
};

/** Fails for a share of the prompts, always for the same ones, in one of the ways. */
function failing(share: number, fault: RewardFunction, always = true): RewardFunction {
  const calls = new Map<string, number>();
  return (all, context) => {
    const [{ id } = { id: '' }] = all;
    const call = (calls.get(id) ?? 0) + 1;
    calls.set(id, call);
    const fails = createRandom(7, id, always ? 0 : call).uniform() < share;
    return fails ? fault(all, context) : good(all, context);
  };
}

const patient = { onFailure: 'mask', retries: 2, backoffMs: 1, timeoutMs: 30, concurrency: 8 } as const;

describe('a reward function that fails', () => {
  it.each(Object.keys(faults).flatMap((fault) => [0.01, 0.1, 0.5].map((share) => [fault, share] as const)))(
    'with %s in %d of the calls masks those and nothing else',
    async (fault, share) => {
      const reward = failing(share, faults[fault]!);
      const list: NamedReward[] = [{ name: 'judge', reward, failures: patient }];
      const { groups: rewarded, failedCalls } = await askRewards(list, groups, {});
      const lost = groups.filter(({ id }) => createRandom(7, id, 0).uniform() < share).map(({ id }) => id);
      for (const [i, { id }] of groups.entries()) {
        const expected = lost.includes(id) ? [null, null] : [12, 13];
        expect(rewarded[i]!.map(({ reward: each }) => each)).toEqual(expected);
        expect(rewarded[i]!.map(({ failed }) => failed)).toEqual([lost.includes(id), lost.includes(id)]);
      }
      expect(failedCalls).toBe(3 * lost.length);
      // The same judge ends the run where the configuration says so, and names the prompt.
      const strict: NamedReward[] = [{ ...list[0]!, failures: { ...patient, onFailure: 'stop' } }];
      const asked = askRewards(strict, groups, {});
      if (lost.length === 0) await asked;
      else await expect(asked).rejects.toThrow(new RegExp(`prompt "(${lost.join('|')})"`));
    },
  );

  it('asks prompt by prompt where it fails on all together', async () => {
    const reward: RewardFunction = (all, context) => {
      if (all.some(({ id }) => id === 'prompt 3')) throw new Error('too long');
      return good(all, context);
    };
    const failures = { onFailure: 'mask', backoffMs: 1 } as const;
    const { groups: rewarded } = await askRewards([{ name: 'judge', reward, failures }], groups, {});
    expect(rewarded.flatMap((own, i) => (own[0]!.failed ? [i] : []))).toEqual([3]);
  });

  it('loses nothing where a repetition succeeds', async () => {
    const list = [
      { name: 'judge', reward: failing(0.5, faults.errors!, false), failures: { ...patient, retries: 30 } },
    ];
    const { groups: rewarded, failedCalls } = await askRewards(list, groups, {});
    expect(rewarded.flat().every(({ reward }) => reward === 12 || reward === 13)).toBe(true);
    expect(failedCalls).toBeGreaterThan(5);
  });

  it('does not hold the others beyond the deadline', async () => {
    const slow: RewardFunction = (all, context) =>
      all[0]!.id === 'prompt 3' ? new Promise(() => {}) : good(all, context);
    const failures = { ...patient, retries: 1000, timeoutMs: 50, deadlineMs: 200, concurrency: 40 };
    const started = performance.now();
    const { groups: rewarded } = await askRewards([{ name: 'judge', reward: slow, failures }], groups, {});
    expect(performance.now() - started).toBeLessThan(2000);
    expect(rewarded.flatMap((own, i) => (own[0]!.failed ? [i] : []))).toEqual([3]);
  });

  it('does not warn of the many calls that wait for one signal', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const { signal } = new AbortController();
    const slow: RewardFunction = async (all, context) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return good(all, context);
    };
    const list = [1, 2].map((i) => ({
      name: `judge${i}`,
      reward: slow,
      failures: { ...patient, concurrency: 20 },
    }));
    await askRewards(list, groups, { signal });
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('ends when it is told to, with the reason', async () => {
    const stop = new AbortController();
    const waiting: RewardFunction = (_, { signal }) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('left'))));
    const asked = askRewards(
      [{ name: 'judge', reward: waiting, failures: { ...patient, timeoutMs: 60_000 } }],
      groups,
      {
        signal: stop.signal,
      },
    );
    setTimeout(() => stop.abort(new Error('enough')), 10);
    await expect(asked).rejects.toThrow('enough');
  });

  it('keeps a partial answer and masks what is missing from it', async () => {
    const partial: RewardFunction = (all) =>
      all.map(() => [1, { reward: null, truncated: false, neutralized: false, failed: true }]);
    const { groups: rewarded } = await askRewards(
      [{ name: 'judge', reward: partial, failures: { ...patient, retries: 0 } }],
      groups.slice(0, 1),
      {},
    );
    expect(rewarded[0]!.map(({ reward, failed }) => [reward, failed])).toEqual([
      [1, false],
      [null, true],
    ]);
  });

  it('has no part in a sum as a monitor, and takes the sum away with a weight', async () => {
    const broken = { name: 'broken', reward: faults.errors!, failures: { ...patient, retries: 0 } };
    const sum = async (weight: number) => {
      const list = [
        { name: 'good', reward: good, weight: 2 },
        { ...broken, weight },
      ];
      const { groups: rewarded } = await askRewards(list, groups.slice(0, 1), {});
      return rewarded[0]!.map(({ reward }) => reward);
    };
    expect(await sum(0)).toEqual([24, 26]);
    expect(await sum(0.001)).toEqual([null, null]);
  });
});

describe('a run with a judge that fails', () => {
  const options: PpoOptionsInput = {
    steps: 4,
    maxNewTokens: 6,
    batchSize: 4,
    samplesPerPrompt: 2,
    miniBatchSize: 4,
    epochs: 1,
    advantages: 'rloo',
    sampling: { temperature: 1, topP: 1 },
    policyLearningRate: 3e-3,
    evaluateEvery: 4,
    checkpointEvery: 1,
    seed: 5,
  };
  const letters = tinyRun().reward;
  /** Fails for some responses of prompts that have an a in them: the same answers to the same questions. */
  const flaky: RewardFunction = async (all, context) =>
    (await letters(all, context)).map((own, i) =>
      own.map((reward, place) => {
        const fails = createRandom(3, all[i]!.responses[place]!).uniform() < 0.3;
        return fails ? { reward: null, truncated: false, neutralized: false, failed: true } : reward;
      }),
    );
  const run = (reward: RewardFunction, failures: NamedReward['failures']) => {
    const { value: _, ...tiny } = tinyRun({ ...tinyConfig, numHiddenLayers: 1 });
    return { ...tiny, reward: [{ name: 'judge', reward, ...(failures && { failures }) }] };
  };
  const mask = { onFailure: 'mask', retries: 1, backoffMs: 1 } as const;

  it('ends as configured, counts, and resumes to the same bytes', { timeout: 240_000 }, async () => {
    const straight = join(root, 'straight');
    const result = await ppo({ ...run(flaky, mask), options, output: straight });
    expect(result.steps).toHaveLength(4);
    expect(result.steps.some(({ failed }) => failed > 0)).toBe(true);
    for (const { failed, unrewarded } of result.steps) expect(unrewarded).toBe(failed);
    const output = join(root, 'resumed');
    let calls = 0;
    const dying: RewardFunction = (all, context) => {
      if (++calls === 6) throw new Error('killed');
      return flaky(all, context);
    };
    await expect(
      ppo({ ...run(dying, { ...mask, onFailure: 'stop', retries: 0 }), options, output }),
    ).rejects.toThrow();
    await ppo({ ...run(flaky, mask), options, output, resume: true });
    expect(contents(output)).toEqual(contents(straight));
  });

  it('ends with the last whole step where more fails than is allowed', { timeout: 120_000 }, async () => {
    const output = join(root, 'bound');
    let calls = 0;
    const dies: RewardFunction = (all, context) => {
      // One call measures the first policy, and two steps follow.
      if (++calls > 3) throw new Error('gone');
      return letters(all, context);
    };
    const ended = ppo({
      ...run(dies, { ...mask, retries: 0 }),
      options: { ...options, checkpointEvery: 4 },
      output,
    });
    await expect(ended).rejects.toMatchObject({
      code: 'reward-failed',
      message: expect.stringContaining('8 of the 8 responses of step 3 failed'),
    });
    expect(readdirSync(output).filter((name) => name.startsWith('checkpoint'))).toContain(
      'checkpoint-0000002',
    );
  });
});
