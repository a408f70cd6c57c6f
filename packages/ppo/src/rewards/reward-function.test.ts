import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Comparator } from '@gram/reward';
import { afterAll, describe, expect, it } from 'vitest';
import { tinyRun } from '../__fixtures__/tiny-run.js';
import type { PpoOptionsInput } from '../options.js';
import { ppo } from '../trainer.js';
import type { RewardFunction } from './reward.js';
import {
  answerReward,
  preferenceReward,
  scalarReward,
  scoreGroups,
  winRateReward,
} from './reward-function.js';

const groups = [
  { id: 'one', prompt: 'p', responses: ['a', 'bb'], reference: 'bb' },
  { id: 'two', prompt: 'q', responses: ['c'], reference: 'd' },
];
const rewarded = <Reward extends number | null>(reward: Reward, flags = {}) => ({
  reward,
  truncated: false,
  neutralized: false,
  ...flags,
});
const length: RewardFunction = (all) => all.map(({ responses }) => responses.map((text) => text.length));

describe('scoreGroups', () => {
  it('gives a reward for each response of each group, with what the function says of the texts', async () => {
    const numbers = await scoreGroups(length, groups, {});
    expect(numbers).toEqual([[rewarded(1), rewarded(2)], [rewarded(1)]]);
    const flagged = { reward: 3, truncated: true, neutralized: true };
    expect(await scoreGroups(() => [[flagged, 2], [1]], groups, {})).toEqual([
      [flagged, rewarded(2)],
      [rewarded(1)],
    ]);
  });

  it.each<[string, RewardFunction, string, RegExp]>([
    [
      'throws for one prompt',
      (all) => {
        if (all.some(({ id }) => id === 'two')) throw new Error('no connection');
        return length(all, {});
      },
      'reward-failed',
      /prompt "two": no connection/,
    ],
    [
      'throws for all together',
      (all) => {
        if (all.length > 1) throw new Error('too many');
        return length(all, {});
      },
      'reward-failed',
      /2 prompts from prompt "one" on: too many/,
    ],
    [
      'returns too few lists',
      () => [[1, 2]],
      'bad-reward',
      /1 lists for 2 prompts, the first being prompt "one"/,
    ],
    [
      'returns too many numbers',
      () => [
        [1, 2],
        [1, 2],
      ],
      'bad-reward',
      /2 numbers for the 1 responses of prompt "two"/,
    ],
    ['returns something else', () => 3 as never, 'bad-reward', /returned number/],
    ['returns no number', () => [[1, 2], ['x']] as never, 'bad-reward', /gave x for prompt "two"/],
    [
      'returns nothing for a response',
      () => [[1, 2], [undefined]] as never,
      'bad-reward',
      /gave undefined for prompt "two"/,
    ],
    [
      'returns a reward without a number',
      () => [[1, 2], [{ truncated: true, reward: 'x' }]] as never,
      'bad-reward',
      /gave x for prompt "two"/,
    ],
    ['returns NaN', () => [[1, Number.NaN], [1]], 'bad-reward', /gave NaN for prompt "one"/],
    [
      'returns an infinite number',
      async () => [[1, 2], [Number.POSITIVE_INFINITY]],
      'bad-reward',
      /gave Infinity for prompt "two"/,
    ],
  ])('names the prompt when a reward function %s', async (_name, reward, code, message) => {
    const scored = scoreGroups(reward, groups, {});
    await expect(scored).rejects.toMatchObject({ code });
    await expect(scored).rejects.toThrow(message);
  });

  it('takes null for no reward', async () => {
    expect(await scoreGroups(() => [[null, 2], [1]], groups, {})).toEqual([
      [{ reward: null, truncated: false, neutralized: false }, rewarded(2)],
      [rewarded(1)],
    ]);
  });

  it('passes an abort on', async () => {
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(scoreGroups(length, groups, { signal })).rejects.toThrow('stop');
  });
});

describe('a run whose reward function fails', () => {
  const output = mkdtempSync(join(tmpdir(), 'gram-ppo-'));
  afterAll(() => rmSync(output, { recursive: true }));
  const options: PpoOptionsInput = {
    steps: 5,
    maxNewTokens: 6,
    batchSize: 4,
    epochs: 1,
    valueOnlySteps: 1,
    checkpointEvery: 2,
    seed: 1,
  };

  it('stops with the prompt named and a checkpoint of the last whole step', async () => {
    let calls = 0;
    const reward: RewardFunction = (all, context) => {
      // One call scores the first policy, then one a step.
      if (++calls > 4) return all.map(({ responses }) => responses.map(() => Number.NaN));
      return tinyRun().reward(all, context);
    };
    await expect(ppo({ ...tinyRun(), reward, options, output })).rejects.toThrow(
      /gave NaN for prompt "prompt \d"/,
    );
    expect(readdirSync(output).filter((name) => name.startsWith('checkpoint'))).toEqual([
      'checkpoint-0000000',
      'checkpoint-0000002',
      'checkpoint-0000003',
    ]);
    const { steps } = await ppo({ ...tinyRun(), options, output, resume: true });
    expect(steps).toHaveLength(5);
  });
});

describe('rewards of models', () => {
  const model: Comparator = {
    compare: async (items) =>
      items.map(({ a, b }) => ({
        probability: a.length / (a.length + b.length),
        consistent: true,
        truncated: a.length > 1,
        neutralized: a.length === 1,
      })),
  };

  it('score against the greedy response, which itself gets one half', async () => {
    expect(await scoreGroups(preferenceReward(model), groups, {})).toEqual([
      [rewarded(1 / 3, { neutralized: true }), rewarded(0.5, { neutralized: true })],
      [rewarded(0.5, { neutralized: true })],
    ]);
    const [{ reference: _, ...without }] = groups as [(typeof groups)[0]];
    await expect(scoreGroups(preferenceReward(model), [without], {})).rejects.toMatchObject({
      code: 'bad-option',
    });
  });

  it('score against the answer of the record, and have none where there is no answer', async () => {
    const answered = [
      { ...groups[0]!, answer: 'ccc' },
      groups[1]!,
      { id: 'three', prompt: 'r', responses: ['ee'], answer: [{ role: 'assistant' as const, content: 'e' }] },
    ];
    const rewards = await scoreGroups(answerReward(model), answered, {});
    expect(rewards.map((own) => own.map(({ reward }) => reward))).toEqual([
      // The greedy response has no part in it.
      [1 / 4, 2 / 5],
      [null],
      [2 / 3],
    ]);
    expect(await scoreGroups(answerReward(model), groups.slice(1), {})).toEqual([[rewarded(null)]]);
  });

  it('score by the mean win rate among the responses to a prompt', async () => {
    const pairs: string[] = [];
    const judge = {
      kind: 'generative' as const,
      compare: async (items: Parameters<Comparator['compare']>[0]) => {
        pairs.push(...items.map(({ a, b }) => [a, b].sort().join('-')));
        return model.compare(items);
      },
    };
    const several = [{ id: 'one', prompt: 'p', responses: ['a', 'bb', 'ccc', 'bb'], reference: 'dddd' }];
    const [own] = await scoreGroups(winRateReward(judge), several, {});
    const expected = [(1 / 3 + 1 / 4 + 1 / 3) / 3, (2 / 3 + 2 / 5 + 1 / 2) / 3, (3 / 4 + 3 / 5 + 3 / 5) / 3];
    for (const [i, each] of [...expected, expected[1]!].entries()) {
      expect(own![i]!.reward).toBeCloseTo(each, 12);
    }
    // Each pair of different responses once, and the greedy response never.
    expect(pairs.sort()).toEqual(['a-bb', 'a-ccc', 'bb-ccc']);
  });

  it('take the scalar of a discriminative model as it is', async () => {
    const scalar = scalarReward({
      rewards: async (items) =>
        items.map(({ response }) => rewarded(-response.length, { truncated: response.length > 1 })),
    });
    expect(await scoreGroups(scalar, groups, {})).toEqual([
      [rewarded(-1), rewarded(-2, { truncated: true })],
      [rewarded(-1)],
    ]);
  });
});
