import { expect, it, vi } from 'vitest';
import type { Comparator, Comparison } from '../comparator/comparator.js';
import { createEnsemble } from './ensemble.js';
import { rewardModelFromFunction } from './from-function.js';

const always = (comparison: Partial<Comparison>): Comparator => ({
  async compare(items, { onProgress } = {}) {
    onProgress?.(items.length, items.length);
    return items.map(() => ({
      probability: 0.5,
      consistent: true,
      truncated: false,
      neutralized: false,
      ...comparison,
    }));
  },
});
const item = { prompt: 'x', a: 'y', b: 'z' };

it('means the probabilities, order by order', async () => {
  const first = always({ probability: 0.5, orders: [0.9, 0.1], consistent: false });
  const second = always({ probability: 0.7, orders: [0.8, 0.6], truncated: true });
  const onProgress = vi.fn();
  const [even] = await createEnsemble([first, second]).compare([item], { onProgress });
  expect(even).toMatchObject({ consistent: false, truncated: true, neutralized: false });
  expect(even!.orders).toEqual([expect.closeTo(0.85, 12), expect.closeTo(0.35, 12)]);
  expect(even!.probability).toBeCloseTo(0.6, 12);
  expect(onProgress.mock.calls).toEqual([
    [0, 1],
    [1, 1],
  ]);
  const [weighted] = await createEnsemble([first, second], { weights: [1, 3] }).compare([item]);
  expect(weighted!.probability).toBeCloseTo(0.65, 12);
  // The mean of the second orders is 0.475.
  expect(weighted!.consistent).toBe(false);
  expect((await createEnsemble([first, second], { weights: [0, 2] }).compare([item]))[0]!.consistent).toBe(
    true,
  );
});

it('takes models that have no orders', async () => {
  const members = [always({ probability: 0.2 }), always({ probability: 0.6, orders: [0.6, 0.6] })];
  expect((await createEnsemble(members).compare([item]))[0]).toEqual({
    probability: 0.4,
    consistent: true,
    truncated: false,
    neutralized: false,
  });
});

it('ranks, and is a member of others', async () => {
  const longer = rewardModelFromFunction((items) => items.map(({ a, b }) => (a.length > b.length ? 1 : 0)));
  const inner = createEnsemble([longer, always({})]);
  expect((await createEnsemble([inner, longer]).rank('x', ['1', '333', '22'])).order).toEqual([1, 2, 0]);
});

it.each<[number, number[] | undefined]>([
  [0, undefined],
  [2, [1]],
  [2, [1, -1]],
  [2, [0, 0]],
  [2, [1, Number.NaN]],
  [2, [1, Number.POSITIVE_INFINITY]],
])('refuses %i models with the weights %j', (count, weights) => {
  expect(() => createEnsemble(Array(count).fill(always({})), { weights })).toThrow(
    expect.objectContaining({ code: 'bad-option' }),
  );
});
