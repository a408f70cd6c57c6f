import { conversationText } from '@gram/base';
import type { RewardFunction } from '@gram/ppo';
import { expect, it, vi } from 'vitest';
import type { ComparisonItem } from '../comparator/comparator.js';
import { sigmoid } from '../comparator/sigmoid.js';
import { groupScores } from '../scores/group-scores.js';
import { rerankingModel } from './reranking-model.js';
import { rewardFunction } from './reward-function.js';

/** Prefers longer responses. */
const oracle = {
  compare: vi.fn(async (items: readonly ComparisonItem[]) =>
    items.map(({ a, b }) => ({
      probability: sigmoid(a.length - b.length),
      consistent: true,
      truncated: conversationText(a).startsWith('cut'),
      neutralized: conversationText(b).startsWith('escaped'),
    })),
  ),
};
const rewarded = (values: number[]) =>
  values.map((reward) => ({ reward: expect.closeTo(reward, 12), truncated: false, neutralized: false }));
const close = (values: number[]) => values.map((value) => expect.closeTo(value, 12));

it('scores each response by the others of its group, in one call', async () => {
  oracle.compare.mockClear();
  const scores = await groupScores(oracle, [
    { id: '1', prompt: 'x', responses: ['a', 'bb', 'cccc'] },
    { id: '2', prompt: 'y', responses: ['a', 'a'] },
    { id: '3', prompt: 'z', responses: ['a', 'bb', 'a'] },
  ]);
  expect(scores).toEqual([
    close([(sigmoid(-1) + sigmoid(-3)) / 2, (sigmoid(1) + sigmoid(-2)) / 2, (sigmoid(3) + sigmoid(2)) / 2]),
    [0.5, 0.5],
    close([(sigmoid(-1) + 0.5) / 2, sigmoid(1), (sigmoid(-1) + 0.5) / 2]),
  ]);
  expect(oracle.compare).toHaveBeenCalledTimes(1);
  expect(oracle.compare.mock.calls[0]![0]).toHaveLength(4);
});

it('is a reward of @gram/ppo, with and without a reference', async () => {
  const reward: RewardFunction = rewardFunction(oracle);
  const groups = [
    { id: '1', prompt: 'x', responses: ['a', 'bb'] },
    { id: '2', prompt: 'y', responses: ['a', 'bb', 'ccc'], reference: 'bb' },
    { id: '3', prompt: 'z', responses: ['a', 'bb'] },
  ];
  expect(await reward(groups, {})).toEqual([
    rewarded([sigmoid(-1), sigmoid(1)]),
    rewarded([sigmoid(-1), 0.5, sigmoid(1)]),
    rewarded([sigmoid(-1), sigmoid(1)]),
  ]);
  const cut = { id: '4', prompt: 'z', responses: ['cut', 'x', 'escaped'], tools: [{ type: 'function' }] };
  expect(await reward([cut], {})).toMatchObject([
    [
      { truncated: true, neutralized: true },
      { truncated: true, neutralized: true },
      { truncated: true, neutralized: true },
    ],
  ]);
  expect(oracle.compare.mock.lastCall![0].every(({ tools }) => tools === cut.tools)).toBe(true);
  expect(await reward([], {})).toEqual([]);
});

it('refuses a response without anything to compare it with', async () => {
  const lone = [{ id: 'p7', prompt: 'x', responses: ['a'] }];
  await expect(rewardFunction(oracle)(lone)).rejects.toMatchObject({
    code: 'too-few-responses',
    message: expect.stringContaining('"p7"'),
  });
});

it('reranks documents as the AI SDK asks for it', async () => {
  const model = rerankingModel(oracle, 'judge');
  expect(model).toMatchObject({ specificationVersion: 'v3', provider: 'gram', modelId: 'judge' });
  const values = ['a', 'cccc', 'bb'];
  const { ranking, providerMetadata } = await model.doRerank({
    documents: { type: 'text', values },
    query: 'x',
  });
  expect(providerMetadata).toEqual({ gram: { truncated: [], neutralized: [] } });
  expect(ranking).toEqual([
    { index: 1, relevanceScore: expect.closeTo((sigmoid(3) + sigmoid(2)) / 2, 12) },
    { index: 2, relevanceScore: expect.any(Number) },
    { index: 0, relevanceScore: expect.any(Number) },
  ]);
  const objects = { type: 'object' as const, values: [{ text: 'x' }, { text: 'longer' }] };
  const top = await model.doRerank({ documents: objects, query: 'x', topN: 1 });
  expect(top.ranking.map(({ index }) => index)).toEqual([1]);
  expect(oracle.compare.mock.lastCall![0]![0]!.a).toBe('{"text":"x"}');
  const flagged = await model.doRerank({
    documents: { type: 'text', values: ['a', 'escaped'] },
    query: 'x',
  });
  expect(flagged.providerMetadata.gram).toEqual({ truncated: [], neutralized: [0, 1] });
  const one = await model.doRerank({ documents: { type: 'text', values: ['a'] }, query: 'x' });
  expect(one.ranking).toEqual([{ index: 0, relevanceScore: 0.5 }]);
});

it('scores many responses with fewer comparisons where the strategy is chosen', async () => {
  oracle.compare.mockClear();
  const responses = Array.from({ length: 20 }, (_, i) => 'x'.repeat(1 + ((i * 7) % 20)));
  const group = { id: '1', prompt: 'x', responses: [...responses, 'x'] };
  const [scores = []] = await groupScores(oracle, [group], { strategy: 'auto' });
  expect(oracle.compare.mock.calls.flatMap(([items]) => items)).toHaveLength(100);
  // The shortest text occurs twice, has one score, and the lowest.
  expect(scores[20]).toBe(scores[0]);
  expect(Math.min(...scores)).toBe(scores[0]);
  expect(await groupScores(oracle, [{ ...group, responses: ['a', 'bb'] }], { strategy: 'auto' })).toEqual([
    close([sigmoid(-1), sigmoid(1)]),
  ]);
});
