import { sigmoid } from '@gram/ranking';
import { afterAll, expect, it, vi } from 'vitest';
import {
  tinyConfig,
  tinyEncoder,
  tinyTokenizer,
  tinyWeights,
  unequalItems,
} from '../__fixtures__/tiny-model.js';
import { createDiscriminativeRewardModel } from './discriminative.js';

const config = tinyConfig('LlamaForSequenceClassification');
const weights = tinyWeights(config);
const encoder = await tinyEncoder();
const model = createDiscriminativeRewardModel({ config, weights, encoder, batchTokens: 256 });
afterAll(() => model.dispose());

const responses = unequalItems.flatMap(({ prompt, a, b }) => [
  { prompt, response: a },
  { prompt, response: b },
]);

it('compares by the difference of the rewards', async () => {
  const rewards = await model.rewards(responses);
  const results = await model.compare(unequalItems);
  for (const [index, result] of results.entries()) {
    const difference = rewards[2 * index]!.reward - rewards[2 * index + 1]!.reward;
    expect(result.probability).toBeCloseTo(sigmoid(difference), 5);
    expect(result.consistent).toBe(true);
    expect(result.orders).toBeUndefined();
  }
  expect(new Set(rewards.map(({ reward }) => reward)).size).toBe(responses.length);
});

it('gives a response the same reward alone as among others', async () => {
  const together = await model.rewards(responses);
  for (const [index, item] of responses.entries()) {
    const [alone] = await model.rewards([item]);
    expect(Math.abs(alone!.reward - together[index]!.reward)).toBeLessThanOrEqual(1e-5);
  }
});

it('takes a score head of two layers beside a language head, with its layers in 8 bits too', async () => {
  const heads = { ...config, scoreHead: { hiddenSize: 64 }, keepsLanguageHead: true };
  const options = { config: heads, weights: tinyWeights(heads), encoder };
  const [exact, rounded] = [
    createDiscriminativeRewardModel(options),
    createDiscriminativeRewardModel({ ...options, precision: 'int8' }),
  ];
  const [wanted, found] = [await exact.rewards(responses), await rounded.rewards(responses)];
  const all = wanted.map(({ reward }) => reward);
  const spread = Math.max(...all) - Math.min(...all);
  expect(new Set(all).size).toBe(responses.length);
  for (const [index, { reward }] of found.entries()) {
    expect(Math.abs(reward - all[index]!)).toBeLessThan(0.1 * spread);
  }
  exact.dispose();
  rounded.dispose();
});

it('evaluates each distinct response once', async () => {
  const responses = vi.fn(encoder.responses);
  const counted = createDiscriminativeRewardModel({ config, weights, encoder: { responses } });
  const { scores, comparisons } = await counted.rank('the cat', ['sat', 'on', 'the mat', 'log']);
  expect(comparisons).toBe(6);
  expect(responses.mock.calls.map(([record]) => record.responses.length)).toEqual([4]);
  expect(scores.reduce((sum, value) => sum + value, 0)).toBeCloseTo(2, 12);
  counted.dispose();
});

it('keeps equal responses to different prompts apart', async () => {
  const [first, second] = await model.rewards([
    { prompt: 'the cat', response: 'sat' },
    { prompt: 'the dog', response: 'sat' },
  ]);
  const results = await model.compare([
    { prompt: 'the cat', a: 'sat', b: 'log' },
    { prompt: 'the dog', a: 'sat', b: 'log' },
  ]);
  expect(first!.reward).not.toBe(second!.reward);
  expect(results[0]!.probability).not.toBe(results[1]!.probability);
});

it('reads one prompt before all responses to it where one of them does not fit', async () => {
  const cutting = await tinyEncoder(64, 'truncate');
  const seen: (readonly number[])[] = [];
  const responses: typeof cutting.responses = async (record) => {
    const found = await cutting.responses(record);
    seen.push(...found.map(({ ids }) => ids));
    return found;
  };
  const cut = createDiscriminativeRewardModel({ config, weights, encoder: { responses } });
  const prompt = `${'the cat and the dog '.repeat(8)}where is the log`;
  const [long, short] = ['sat '.repeat(60), 'on the mat'];
  const both = await cut.compare([{ prompt, a: long, b: short }]);
  expect(both).toMatchObject([{ truncated: true }]);
  const answerStart = tinyTokenizer.tokenId('<|assistant|>')!;
  const promptOf = (ids: readonly number[]) => ids.slice(0, ids.lastIndexOf(answerStart));
  expect(seen).toHaveLength(2);
  expect(promptOf(seen[0]!)).toEqual(promptOf(seen[1]!));
  expect(promptOf(seen[0]!).length).toBeGreaterThan(1);
  // Alone the short response leaves more of the prompt, and gets another reward.
  const [alone] = await cut.rewards([{ prompt, response: short }]);
  const [, among] = await cut.rewards([
    { prompt, response: long },
    { prompt, response: short },
  ]);
  expect(seen[2]!.length).toBeGreaterThan(seen[1]!.length);
  expect(seen.slice(3)).toEqual(seen.slice(0, 2));
  expect(alone!.reward).not.toBe(among!.reward);
  cut.dispose();
});

it('names an item that is too long', async () => {
  const long = { id: 'pair 17', prompt: 'x', a: 'short', b: 'and '.repeat(200) };
  await expect(model.compare([unequalItems[0]!, long])).rejects.toThrow('pair 17');
});
