import { float32 } from '@gram/engine';
import { labelLogits, stateAt, vocabularyLogits } from '@gram/model';
import type { Comparison } from '@gram/ranking';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, expect, it, vi } from 'vitest';
import { tinyConfig, tinyEncoder, tinyWeights, unequalItems } from '../__fixtures__/tiny-model.js';
import { createGenerativeRewardModel } from './generative.js';

const config = tinyConfig('LlamaForCausalLM');
const weights = tinyWeights(config);
const encoder = await tinyEncoder();
const model = createGenerativeRewardModel({ config, weights, encoder, batchTokens: 512 });
afterAll(() => model.dispose());

it('is the softmax over the labels of each order, run one by one without padding', async () => {
  await tf.setBackend('cpu');
  const tensors = Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [name, tf.tensor(data, [...shape])]),
  );
  const probabilityOfFirst = async (prompt: string, a: string, b: string) => {
    const { ids } = await encoder.comparison({ prompt, a, b });
    const tokens = tf.tensor2d([ids], [1, ids.length], 'int32');
    const last = tf.tensor1d([ids.length - 1], 'int32');
    return tf.softmax(labelLogits(config, tensors, tokens, last, encoder.labelIds)).dataSync()[0]!;
  };
  const results = await model.compare(unequalItems);
  for (const [index, { prompt, a, b }] of unequalItems.slice(0, 3).entries()) {
    const [ab, ba] = [await probabilityOfFirst(prompt, a, b), await probabilityOfFirst(prompt, b, a)];
    expect(results[index]!.orders![0]).toBeCloseTo(ab, 5);
    expect(results[index]!.orders![1]).toBeCloseTo(1 - ba, 5);
    expect(results[index]!.probability).toBeCloseTo((ab + 1 - ba) / 2, 5);
  }
  // The fixture must be a model that tells items and orders apart.
  const all = results.flatMap(({ orders }) => orders!);
  expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan(0.05);
});

it('gives an item the same probability alone as among others', async () => {
  const together = await model.compare(unequalItems);
  for (const [index, item] of unequalItems.entries()) {
    const [alone] = await model.compare([item]);
    expect(Math.abs(alone!.probability - together[index]!.probability)).toBeLessThanOrEqual(1e-5);
  }
});

it('gives both names of a pair probabilities that sum to one', async () => {
  const swapped = unequalItems.map(({ prompt, a, b }) => ({ prompt, a: b, b: a }));
  const [ab, ba] = [await model.compare(unequalItems), await model.compare(swapped)];
  for (const [index, { probability }] of ab.entries()) {
    expect(Math.abs(probability + ba[index]!.probability - 1)).toBeLessThanOrEqual(1e-6);
  }
});

it('says which items held markers', async () => {
  const results = await model.compare(unequalItems);
  expect(results.map(({ neutralized }) => neutralized)).toEqual([false, false, false, false, true]);
});

it('names a pair that is too long, or says that it was cut', async () => {
  const long = { id: 'pair 17', prompt: 'x', a: 'and '.repeat(200), b: 'y' };
  await expect(model.compare([unequalItems[0]!, long])).rejects.toThrow('pair 17');
  await expect(model.compare([unequalItems[0]!, { ...long, id: undefined }])).rejects.toThrow('item 1');

  const cutting = await tinyEncoder(200, 'truncate');
  const tolerant = createGenerativeRewardModel({ config, weights, encoder: cutting });
  const results = await tolerant.compare([unequalItems[0]!, long]);
  expect(results.map(({ truncated }) => truncated)).toEqual([false, true]);
  tolerant.dispose();
});

it('stops between batches when it is aborted', async () => {
  const controller = new AbortController();
  const onProgress = vi.fn(() => controller.abort(new Error('enough')));
  const many = Array.from({ length: 20 }, (_, i) => ({ ...unequalItems[1]!, prompt: `where is dog ${i}` }));
  await expect(model.compare(many, { signal: controller.signal, onProgress })).rejects.toThrow('enough');
  expect(onProgress).toHaveBeenCalledTimes(1);
});

it('counts progress in pairs', async () => {
  const seen: [number, number][] = [];
  await model.compare(unequalItems, { onProgress: (done, total) => seen.push([done, total]) });
  expect(seen.length).toBeGreaterThan(1);
  expect(seen.at(-1)).toEqual([5, 5]);
});

it('ranks and scores with its own comparisons', async () => {
  const { prompt, a, b } = unequalItems[3]!;
  const [{ probability }] = (await model.compare([{ prompt, a, b }])) as [Comparison];
  expect(await model.score(prompt, a, b)).toBeCloseTo(probability, 6);
  const ranking = await model.rank(prompt, [a, b]);
  expect(ranking.scores[0]).toBeCloseTo(probability, 6);
  expect(ranking.order).toEqual(probability > 0.5 ? [0, 1] : [1, 0]);
});

it('compares nothing to nothing', async () => {
  expect(await model.compare([])).toEqual([]);
});

it('refuses numbers that are not finite', async () => {
  const head = new Float32Array(300 * 32).fill(Number.NaN);
  const broken = createGenerativeRewardModel({
    config,
    weights: { ...weights, 'lm_head.weight': float32([300, 32], head) },
    encoder,
  });
  await expect(broken.compare(unequalItems)).rejects.toMatchObject({ code: 'not-finite' });
  broken.dispose();
});

it('judges one order on request', async () => {
  const one = createGenerativeRewardModel({ config, weights, encoder, orders: 1 });
  const [found, both] = [await one.compare(unequalItems), await model.compare(unequalItems)];
  for (const [i, { probability, orders }] of found.entries()) {
    expect(orders).toBeUndefined();
    expect(probability).toBeCloseTo(both[i]!.orders![0], 5);
  }
  one.dispose();
});

it('leaves out the second order where it cannot change which response is preferred', async () => {
  const both = await model.compare(unequalItems);
  const bias = Math.max(...both.map(({ orders }) => Math.abs(orders![0] - orders![1])));
  let judged = 0;
  const counting = {
    ...encoder,
    comparison(record: Parameters<typeof encoder.comparison>[0]) {
      judged++;
      return encoder.comparison(record);
    },
  };
  for (const bound of [0, bias / 2, bias + 1e-6, 1]) {
    judged = 0;
    const bounded = createGenerativeRewardModel({
      config,
      weights,
      encoder: counting,
      positionBiasBound: bound,
    });
    const found = await bounded.compare(unequalItems);
    const needed = both.filter(({ orders }) => Math.abs(orders![0] - 0.5) <= bound / 2);
    expect(judged).toBe(both.length + needed.length);
    for (const [i, { probability, orders }] of found.entries()) {
      if (orders !== undefined) expect(probability).toBeCloseTo(both[i]!.probability, 5);
      // Under a bound that holds, which response wins never changes.
      else if (bound >= bias)
        expect(Math.sign(probability - 0.5)).toBe(Math.sign(both[i]!.probability - 0.5));
    }
    bounded.dispose();
  }
});

it('gives the scores of the paper, by the softmax over all tokens of each order', async () => {
  const scoring = createGenerativeRewardModel({ config, weights, encoder, vocabularyScores: true });
  const tensors = Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [name, tf.tensor(data, [...shape])]),
  );
  const labelsAfter = async (prompt: string, a: string, b: string) => {
    const { ids } = await encoder.comparison({ prompt, a, b });
    const tokens = tf.tensor2d([ids], [1, ids.length], 'int32');
    const last = tf.tensor1d([ids.length - 1], 'int32');
    const all = tf
      .softmax(vocabularyLogits(config, tensors, stateAt(config, tensors, tokens, last)))
      .dataSync();
    return encoder.labelIds.map((id) => all[id]!);
  };
  const items = unequalItems.slice(0, 3);
  const results = await scoring.compare(items);
  const usual = await model.compare(items);
  scoring.dispose();
  for (const [index, { prompt, a, b }] of items.entries()) {
    const [ab, ba] = [await labelsAfter(prompt, a, b), await labelsAfter(prompt, b, a)];
    const { vocabularyScores, probability } = results[index]!;
    expect(vocabularyScores![0]).toBeCloseTo((ab[0]! + ba[1]!) / 2, 5);
    expect(vocabularyScores![1]).toBeCloseTo((ab[1]! + ba[0]!) / 2, 5);
    expect(vocabularyScores![0] + vocabularyScores![1]).toBeLessThan(0.9);
    expect(probability).toBeCloseTo(usual[index]!.probability, 5);
    expect(usual[index]!.vocabularyScores).toBeUndefined();
  }
  expect(() =>
    createGenerativeRewardModel({ config, weights, encoder, vocabularyScores: true, orders: 1 }),
  ).toThrow(expect.objectContaining({ code: 'bad-option' }));
});
