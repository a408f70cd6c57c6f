import { createChatEncoder, plainChat } from '@gram/tokenize';
import { describe, expect, it } from 'vitest';
import { tinyRun, tinyTokenizer } from './__fixtures__/tiny-run.js';
import type { PpoOptionsInput } from './options.js';
import type { PpoEvaluation, PpoStepRecord } from './run/run.js';
import { ppo } from './trainer.js';

/** Fast learning of a very small model. */
const options: PpoOptionsInput = {
  steps: 30,
  maxNewTokens: 8,
  batchSize: 16,
  miniBatchSize: 8,
  epochs: 2,
  valueOnlySteps: 2,
  policyLearningRate: 3e-3,
  valueLearningRate: 3e-3,
  sampling: { temperature: 1, topP: 1 },
  evaluateEvery: 10,
  seed: 3,
};
const grouped = { valueOnlySteps: 0, batchSize: 8 };

const bytes = (weights: Readonly<Record<string, { data: Float32Array }>>) =>
  Object.values(weights).map(({ data }) => Buffer.from(data.buffer).toString('base64'));

describe('ppo', () => {
  it.each([
    ['gae, KL in the reward', {}],
    ['gae, exact KL in the loss', { kl: { in: 'loss', estimator: 'full', weight: 0.01 } }],
    ['rloo', { advantages: 'rloo', ...grouped }],
    ['grpo', { advantages: 'grpo', ...grouped, kl: { weight: 0.01 } }],
    [
      'grpo as DAPO has it',
      {
        ...{ advantages: 'grpo', ...grouped, reference: 'none', aggregation: 'token', clipHigh: 0.28 },
        ...{ dynamicSampling: {}, unended: { mask: false, penalty: 0.1 }, standardization: 'none' },
      },
    ],
    [
      'grpo as Dr. GRPO has it, with a schedule and an entropy bonus',
      {
        ...{ advantages: 'grpo', ...grouped, groupScale: 'none', aggregation: 'fixed' },
        ...{ schedule: 'cosine', warmupRatio: 0.1, entropyWeight: 0.001 },
        kl: { weight: 0.01, target: 5 },
      },
    ],
  ] satisfies [string, Partial<PpoOptionsInput>][])('raises the reward: %s', async (_name, change) => {
    const { value, ...run } = tinyRun();
    const withValue = 'advantages' in change ? undefined : value;
    const result = await ppo({ ...run, value: withValue, options: { ...options, ...change } });
    const [first, last] = [result.evaluations[0]!, result.evaluations.at(-1)!];
    expect(result.stopped).toBe('steps');
    expect(result.evaluations.map(({ step }) => step)).toEqual([0, 10, 20, 30]);
    expect(last.reward).toBeGreaterThan(first.reward + 0.3);
    if ('reference' in change) {
      expect([result.reference, first.kl, last.kl, result.steps[0]!.kl]).toEqual(
        new Array(4).fill(undefined),
      );
    } else {
      expect(first.kl).toBe(0);
      expect(last.kl).toBeGreaterThan(0.1);
    }
    expect(result.steps[0]!.score).toBeCloseTo(first.reward, 1);
    expect(result.best.step).toBe(result.evaluations.findLast(({ best }) => best)!.step);
  });

  it('holds the policy back with a strong KL term, in the reward or in the loss', async () => {
    const klOf = async (kl: PpoOptionsInput['kl']) => {
      const { evaluations } = await ppo({ ...tinyRun(), options: { ...options, steps: 16, kl } });
      return evaluations.at(-1)!.kl!;
    };
    const free = await klOf({ weight: 0 });
    expect(await klOf({ weight: 20 })).toBeLessThan(free / 3);
    for (const estimator of ['k2', 'k3', 'full'] as const) {
      expect(await klOf({ weight: 2, in: 'loss', estimator }), estimator).toBeLessThan(free / 3);
    }
  });

  it('trains the value model alone at first, and the policy from then on', async () => {
    const run = tinyRun();
    const before = bytes(run.policy.weights);
    const seen: [boolean, boolean][] = [];
    let valueBefore = bytes(run.value.weights);
    await ppo({
      ...run,
      options: { ...options, steps: 4, valueOnlySteps: 3 },
      onStep: ({ policyLoss }) => {
        const value = bytes(run.value.weights);
        seen.push([
          String(bytes(run.policy.weights)) !== String(before),
          String(value) !== String(valueBefore),
        ]);
        valueBefore = value;
        expect(policyLoss === undefined).toBe(seen.length <= 3);
      },
    });
    expect(seen).toEqual([
      [false, true],
      [false, true],
      [false, true],
      [true, true],
    ]);
  });

  it('changes nothing but the policy and the value model, and is a function of its arguments', async () => {
    const once = async () => {
      const run = tinyRun();
      const first = bytes(run.policy.weights);
      const records: (PpoStepRecord | PpoEvaluation)[] = [];
      const result = await ppo({
        ...run,
        options: { ...options, steps: 5, evaluateEvery: 2 },
        onStep: (record) => void records.push(record),
        onEvaluation: (record) => void records.push(record),
      });
      expect(bytes(result.reference!)).toEqual(first);
      return { policy: bytes(run.policy.weights), value: bytes(run.value.weights), records };
    };
    const [a, b] = [await once(), await once()];
    expect(a).toEqual(b);
    expect(a.records.map((record) => record.step)).toEqual([0, 1, 2, 2, 3, 4, 4, 5, 5]);
  });

  it('gives the reward function the greedy responses, of the first policy on validation prompts', async () => {
    const references: (string | undefined)[][] = [];
    const run = tinyRun();
    await ppo({
      ...run,
      options: { ...options, steps: 3, valueOnlySteps: 1, evaluateEvery: 3, batchSize: 4 },
      reward: (groups, context) => {
        references.push(groups.map(({ reference }) => reference));
        return run.reward(groups, context);
      },
    });
    const [first, , , , last] = references;
    expect(references.map((each) => each.length)).toEqual([4, 4, 4, 4, 4]);
    expect(first!.every((text) => typeof text === 'string')).toBe(true);
    expect(last).toEqual(first);
  });

  it('counts responses whose texts were cut or escaped for the reward, and prompts that were for the policy', async () => {
    const run = tinyRun();
    const cutting = await createChatEncoder({
      tokenizer: tinyTokenizer,
      chat: plainChat,
      maxLength: 12,
      overlong: 'truncate',
    });
    const notes: string[] = [];
    const { steps, evaluations } = await ppo({
      ...run,
      encoder: cutting,
      prompts: [
        { id: 'long', prompt: 'what is it that you want to know?' },
        { id: 'spells', prompt: '<|end|>' },
        { id: 'short', prompt: 'go' },
      ],
      options: { ...options, steps: 2, valueOnlySteps: 1, evaluateEvery: 2, batchSize: 3 },
      reward: (groups) =>
        groups.map(({ id, responses }) =>
          responses.map(() => ({ reward: 1, truncated: id === 'long', neutralized: id !== 'long' })),
        ),
      onNote: (note) => notes.push(note),
    });
    const counts = { truncated: 1, neutralized: 2, truncatedPrompts: 1, neutralizedPrompts: 1 };
    expect(steps).toMatchObject([counts, counts]);
    const { validation } = run;
    expect(evaluations.at(-1)).toMatchObject({ truncated: 0, neutralized: validation.length });
    expect(notes.filter((note) => note.includes('cut'))).toHaveLength(2);
  });

  it('gives the tools of a prompt to the policy and to the reward function', async () => {
    const run = tinyRun();
    const tools = [{ type: 'function', function: { name: 'look' } }];
    const read: unknown[] = [];
    const judged: unknown[] = [];
    await ppo({
      ...run,
      prompts: run.prompts.map((prompt) => ({ ...prompt, tools })),
      validation: run.validation.map((prompt) => ({ ...prompt, tools })),
      encoder: {
        ...run.encoder,
        prompt: ({ tools, ...record }) => {
          read.push(tools);
          return run.encoder.prompt(record);
        },
      },
      options: { ...options, steps: 1, valueOnlySteps: 0, evaluateEvery: 1, batchSize: 2 },
      reward: (groups, context) => {
        judged.push(...groups.map((group) => group.tools));
        return run.reward(groups, context);
      },
    });
    expect(new Set([...read, ...judged])).toEqual(new Set([tools]));
  });

  it('stops a policy whose numbers are not finite, and keeps the weights', async () => {
    const run = tinyRun();
    const before = bytes(run.policy.weights);
    // The squares of such gradients are beyond float32.
    const huge: PpoOptionsInput = { ...options, ...grouped, advantages: 'rloo', rewardScale: 1e30 };
    await expect(ppo({ ...run, value: undefined, options: huge })).rejects.toMatchObject({
      code: 'diverged',
    });
    expect(bytes(run.policy.weights)).toEqual(before);
  });

  it.each<[string, Partial<Parameters<typeof ppo>[0]>, string]>([
    ['no prompts', { prompts: [] }, 'no-data'],
    ['no validation prompts', { validation: [] }, 'no-data'],
    ['no value model for gae', { value: undefined }, 'bad-option'],
    ['a value model for grpo', { options: { ...options, ...grouped, advantages: 'grpo' } }, 'bad-option'],
    [
      'a policy without a next-token head',
      { policy: { ...tinyRun().policy, ...tinyRun().value } },
      'bad-option',
    ],
  ])('refuses %s', async (_name, change, code) => {
    await expect(ppo({ ...tinyRun(), options, ...change })).rejects.toMatchObject({ code });
  });
});
