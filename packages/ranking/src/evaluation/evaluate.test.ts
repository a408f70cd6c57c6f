import { conversationText } from '@gram/base';
import { expect, it } from 'vitest';
import type { Comparator, ComparisonItem, RunOptions } from '../comparator/comparator.js';
import { evaluatePairs } from './evaluate.js';

/** A model whose two probabilities are written in the chosen response. */
const scripted: Comparator = {
  async compare(items: readonly ComparisonItem[], options: RunOptions = {}) {
    options.signal?.throwIfAborted();
    const results = items.map((item) => {
      const a = conversationText(item.a);
      const [first, second] = a.split(' ').map(Number) as [number, number];
      return {
        probability: (first + second) / 2,
        orders: [first, second] as const,
        consistent: first > 0.5 === second > 0.5,
        truncated: a.endsWith('cut'),
        neutralized: false,
      };
    });
    options.onProgress?.(items.length, items.length);
    return results;
  },
};

const pair = (id: string, chosen: string, family?: string) => ({
  id,
  prompt: 'x',
  chosen,
  rejected: 'r',
  family,
});

const pairs = [
  pair('right', '0.9 0.7', 'f'),
  pair('tie', '0.75 0.25', 'f'),
  pair('wrong', '0.1 0.2', '__proto__'),
  pair('cut', '0.6 0.625 cut'),
];

it('counts accuracy, ties as wrong, and both measures of position', async () => {
  const result = await evaluatePairs(scripted, pairs);
  expect(result.accuracy).toBe(0.5);
  expect(result.pairs).toBe(4);
  expect(result.order).toMatchObject({ inBothOrders: 4, consistency: 0.75 });
  expect(result.order.absoluteBias).toBeCloseTo((0.2 + 0.5 + 0.1 + 0.025) / 4, 12);
  expect(result.truncated).toBe(1);
  expect(result.interval[0]).toBeLessThan(0.5);
  expect(result.interval[1]).toBeGreaterThan(0.5);
  expect(result.items[1]).toEqual({
    id: 'tie',
    family: 'f',
    score_chosen: 0.5,
    score_rejected: 0.5,
    correct: false,
    orders: [0.75, 0.25],
    consistent: false,
    truncated: false,
    neutralized: false,
  });
});

it('reports families, whatever their name', async () => {
  const { byFamily } = await evaluatePairs(scripted, pairs);
  expect(Object.entries(byFamily).map(([family, { accuracy, pairs }]) => [family, accuracy, pairs])).toEqual([
    ['f', 0.5, 2],
    ['__proto__', 0, 1],
  ]);
});

it('hands out every item in order and counts progress over all pairs', async () => {
  const many = Array.from({ length: 700 }, (_, index) => pair(`${index}`, '0.9 0.7'));
  const ids: string[] = [];
  const progress: number[] = [];
  await evaluatePairs(scripted, many, {
    onItem: ({ id }) => ids.push(id),
    onProgress: (done, total) => progress.push(done / total),
  });
  expect(ids).toEqual(many.map(({ id }) => id));
  expect(progress.at(-1)).toBe(1);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
});

it('gives the same intervals for the same seed', async () => {
  const [first, second] = [
    await evaluatePairs(scripted, pairs, { seed: 5 }),
    await evaluatePairs(scripted, pairs, { seed: 5 }),
  ];
  expect(first.interval).toEqual(second.interval);
  expect(first.byFamily).toEqual(second.byFamily);
});

it('leaves out orders that a model does not have', async () => {
  const model: Comparator = {
    compare: async (items) =>
      items.map(() => ({ probability: 0.8, consistent: true, truncated: false, neutralized: false })),
  };
  const { items, order } = await evaluatePairs(model, pairs);
  expect(items[0]).not.toHaveProperty('orders');
  expect(order).toEqual({ inBothOrders: 0, consistency: null, bias: null, absoluteBias: null });
});

it('stops between groups when it is aborted', async () => {
  const many = Array.from({ length: 700 }, (_, index) => pair(`${index}`, '0.9 0.7'));
  const controller = new AbortController();
  const ids: string[] = [];
  const onItem = ({ id }: { id: string }) => {
    ids.push(id);
    controller.abort(new Error('enough'));
  };
  const run = evaluatePairs(scripted, many, { signal: controller.signal, onItem });
  await expect(run).rejects.toThrow('enough');
  expect(ids).toHaveLength(512);
});

it('refuses an empty list', async () => {
  await expect(evaluatePairs(scripted, [])).rejects.toMatchObject({ code: 'no-pairs' });
});
