import { sigmoid } from '@gram/ranking';
import { afterAll, expect, it, vi } from 'vitest';
import { tinyConfig, tinyEncoder, tinyWeights, unequalItems } from '../__fixtures__/tiny-model.js';
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
  const response = vi.fn(encoder.response);
  const counted = createDiscriminativeRewardModel({ config, weights, encoder: { response } });
  const { scores, comparisons } = await counted.rank('the cat', ['sat', 'on', 'the mat', 'log']);
  expect(comparisons).toBe(6);
  expect(response).toHaveBeenCalledTimes(4);
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

it('names an item that is too long', async () => {
  const long = { id: 'pair 17', prompt: 'x', a: 'short', b: 'and '.repeat(200) };
  await expect(model.compare([unequalItems[0]!, long])).rejects.toThrow('pair 17');
});
