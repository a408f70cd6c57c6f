import { describe, expect, it } from 'vitest';
import { tinyRun } from './__fixtures__/tiny-run.js';
import type { PpoOptionsInput } from './options.js';
import type { RewardFunction } from './rewards/reward.js';
import { ppo } from './trainer.js';

const options: PpoOptionsInput = {
  steps: 6,
  maxNewTokens: 8,
  batchSize: 8,
  miniBatchSize: 8,
  epochs: 2,
  valueOnlySteps: 1,
  policyLearningRate: 3e-3,
  valueLearningRate: 3e-3,
  sampling: { temperature: 1, topP: 1 },
  evaluateEvery: 6,
  seed: 3,
};
const grouped = { valueOnlySteps: 0, batchSize: 4 };
const methods: [string, PpoOptionsInput][] = [
  ['gae', options],
  ['rloo', { ...options, ...grouped, advantages: 'rloo' }],
  ['grpo', { ...options, ...grouped, advantages: 'grpo' }],
];

function runOf({ advantages = 'gae' }: PpoOptionsInput) {
  const { value, ...run } = tinyRun();
  return { ...run, value: advantages === 'gae' ? value : undefined };
}

describe.each(methods)('%s', (_name, given) => {
  it('leaves the policy where it is when the reward never varies', async () => {
    const run = runOf(given);
    const before = Object.values(run.policy.weights).map(({ data }) => data.slice());
    const reward: RewardFunction = (groups) => groups.map(({ responses }) => responses.map(() => 0.3));
    const { evaluations, steps } = await ppo({ ...run, reward, options: given });
    expect(Object.values(run.policy.weights).map(({ data }) => data)).toEqual(before);
    expect(evaluations.at(-1)!.kl).toBe(0);
    expect(steps.map(({ policyLoss }) => policyLoss)).toEqual(steps.map(() => undefined));
  });

  it('learns from the responses that have a reward, and counts the others', async () => {
    const run = runOf(given);
    const seen: number[] = [];
    // The second response of every group has no reward, or all of the second prompt where there is one response each.
    const reward: RewardFunction = async (groups, context) => {
      const scores = await run.reward(groups, context);
      seen.push(groups.flatMap(({ responses }) => responses).length);
      return scores.map((own, row) =>
        own.map((score, i) => ((own.length > 1 ? i : row) === 1 ? null : score)),
      );
    };
    const { steps, evaluations } = await ppo({ ...run, reward, options: given });
    const perStep = given.advantages === undefined ? 1 : 4;
    for (const { unrewarded, excluded, skipped } of steps) {
      expect({ unrewarded, excluded, skipped }).toEqual({
        ...{ unrewarded: perStep, excluded: perStep, skipped: 0 },
      });
    }
    expect(steps.at(-1)!.policyLoss).toBeDefined();
    // One of the four validation prompts has none; the mean is that of the other three.
    expect(evaluations[0]!.unrewarded).toBe(1);
  });

  it('means the same by null as by a response that was not drawn', async () => {
    const run = runOf(given);
    const mean = async (missing: number | null) => {
      const { steps } = await ppo({
        ...runOf(given),
        reward: async (groups, context) => {
          const scores = await run.reward(groups, context);
          return scores.map((own, row) => (row === 0 ? own.map(() => missing) : own));
        },
        options: { ...given, steps: 2, evaluateEvery: 2 },
      });
      return steps[0]!.score!;
    };
    // A failed judge is not a reward of 0.
    expect(await mean(null)).toBeGreaterThan(await mean(0));
  });

  it('keeps responses without an end token out of the loss where they are masked', async () => {
    const { steps } = await ppo({ ...runOf(given), options: { ...given, unended: { mask: true } } });
    for (const { ended, excluded } of steps) {
      const responses = given.advantages === undefined ? 8 : 16;
      expect(excluded).toBe(Math.round((1 - ended) * responses));
    }
    expect(Math.min(...steps.map(({ ended }) => ended))).toBeLessThan(1);
  });

  it('ends with the newest policy when there are no validation prompts', async () => {
    const { validation: _, ...run } = runOf(given);
    const { best, evaluations, stopped } = await ppo({ ...run, options: given });
    expect({ step: best.step, evaluations, stopped }).toEqual({ step: 6, evaluations: [], stopped: 'steps' });
    expect(best.weights).toEqual(run.policy.weights);
  });
});

describe('dynamic sampling', () => {
  it('replaces prompts whose responses all have the same reward, by prompts that the step does not have', async () => {
    const run = runOf({ ...options, advantages: 'grpo' });
    const asked: string[][] = [];
    const prompts = Array.from({ length: 12 }, (_, i) => ({ id: `${i}`, prompt: `say ${i}` }));
    const { steps } = await ppo({
      ...{ ...run, validation: undefined, prompts },
      // Prompts with an even number have no signal.
      reward: (groups) => {
        asked.push(groups.map(({ id }) => id));
        return groups.map(({ id, responses }) => responses.map((_, i) => (Number(id) % 2 === 0 ? 1 : i)));
      },
      options: { ...options, ...grouped, steps: 1, advantages: 'grpo', dynamicSampling: {} },
    });
    const [record] = steps;
    const drawn = asked.flat();
    expect(new Set(drawn).size).toBe(drawn.length);
    const odd = drawn.filter((id) => Number(id) % 2 === 1);
    expect(odd.length).toBeGreaterThanOrEqual(4);
    expect(record).toMatchObject({ rounds: asked.length, excluded: 0, varied: odd.length / drawn.length });
    expect(asked.length).toBeGreaterThan(1);
  });

  it('ends when no further prompt is left, and learns from those that tell something', async () => {
    const run = runOf({ ...options, advantages: 'rloo' });
    const { steps } = await ppo({
      ...{ ...run, validation: undefined },
      reward: (groups) =>
        groups.map(({ id, responses }) => responses.map((_, i) => (id === 'prompt 1' ? i : 1))),
      options: { ...options, ...grouped, batchSize: 2, steps: 4, advantages: 'rloo', dynamicSampling: {} },
    });
    for (const { rounds, policyLoss, tokens } of steps) {
      expect(rounds).toBe(2);
      expect(policyLoss).toBeDefined();
      expect(tokens).toBeGreaterThan(0);
    }
  });
});

describe('the reference', () => {
  it('may be another model, to which the KL is measured from the start', async () => {
    const run = runOf(options);
    const { config, weights } = run.policy;
    const moved = Object.fromEntries(
      Object.entries(weights).map(([name, { data, ...rest }]) => [
        name,
        { ...rest, data: data.map((value, i) => value + (i % 7 === 0 ? 0.05 : 0)) },
      ]),
    );
    const { evaluations, steps, reference } = await ppo({
      ...run,
      reference: { config, weights: moved },
      options: { ...options, steps: 2, valueOnlySteps: 1, evaluateEvery: 2 },
    });
    expect(evaluations[0]!.kl).toBeGreaterThan(1e-3);
    expect(steps[0]!.kl).not.toBe(0);
    expect(reference).toBe(moved);
    const wider = { ...config, intermediateSize: 64 };
    const other = ppo({ ...run, reference: { config: wider, weights }, options });
    await expect(other).rejects.toMatchObject({ code: 'bad-option', message: /another architecture/ });
  });

  it('is what an adapted weight keeps the policy near to', async () => {
    const klOf = async (kl: PpoOptionsInput['kl']) => {
      const change = {
        ...options,
        steps: 16,
        evaluateEvery: 16,
        kl: { weight: 0.1, in: 'loss', ...kl },
      } as const;
      const { steps, evaluations } = await ppo({ ...runOf(options), options: change });
      return { weights: steps.map(({ klWeight }) => klWeight!), kl: evaluations.at(-1)!.kl! };
    };
    // A short horizon: the weight moves by the factor 0.2 or 1.8 in each step. The first policy is the reference.
    const adapted = await klOf({ target: 0.001, horizon: 2 });
    expect(adapted.weights.slice(0, 3)).toEqual([0.1, 0.1, 0.1 * (1 - 0.2 * 4)]);
    expect(adapted.weights.at(-1)).toBeGreaterThan(1);
    expect(adapted.kl).toBeLessThan(0.75 * (await klOf({})).kl);
  });
});

describe('learning rates', () => {
  it('rise and fall by the steps in which the policy learns', async () => {
    const change = { ...options, schedule: 'linear', warmupRatio: 0.4, valueOnlySteps: 1 } as const;
    const { steps } = await ppo({ ...runOf(options), options: change });
    const shares = steps.map(({ learningRate }) => learningRate && learningRate / 3e-3);
    expect(shares[0]).toBeUndefined();
    for (const [i, share] of [1 / 2, 1, 1, 2 / 3, 1 / 3].entries())
      expect(shares[i + 1]).toBeCloseTo(share, 12);
  });
});

describe('rollouts in int8', () => {
  it('weigh each token by the ratio of the policy to the rounded one, and record its distribution', async () => {
    const seen: number[] = [];
    const { steps, evaluations } = await ppo({
      ...runOf(options),
      options: { ...options, rolloutPrecision: 'int8', epochs: 1, miniBatchSize: 8 },
      onStep: ({ approxKl }) => void (approxKl !== undefined && seen.push(approxKl)),
    });
    for (const { importance } of steps) {
      expect(importance!.spread).toBeGreaterThan(1e-5);
      expect(importance!.spread).toBeLessThan(0.1);
      expect(importance!.least).toBeLessThan(1);
      expect(importance!.most).toBeGreaterThan(1);
      expect(Math.abs(importance!.mean - 1)).toBeLessThan(0.02);
      expect(importance!.truncated).toBe(0);
      expect(importance!.effective).toBeGreaterThan(0.98);
      expect(importance!.effective).toBeLessThan(1);
    }
    // One mini-batch a step: the old log-probabilities are those of the policy itself, not of the rounded one.
    expect(seen.length).toBe(5);
    for (const approxKl of seen) expect(Math.abs(approxKl)).toBeLessThan(1e-6);
    expect(evaluations).toHaveLength(2);
  });

  it('are needed for no recorded ratio in float32', async () => {
    const { steps } = await ppo({ ...runOf(options), options: { ...options, steps: 2, evaluateEvery: 2 } });
    expect(steps.map(({ importance }) => importance)).toEqual([undefined, undefined]);
  });
});
