import { describe, expect, it, vi } from 'vitest';
import type { ComparisonItem } from '../comparator/comparator.js';
import { evaluatePairs } from '../evaluation/evaluate.js';
import { rewardModelFromFunction } from './from-function.js';

/** Prefers longer responses, and the one that is shown first. */
const judge = vi.fn((items: readonly ComparisonItem[]) =>
  items.map(({ a, b }) => Math.min(1, Math.max(0, 0.6 + (a.length - b.length) / 10))),
);
const model = rewardModelFromFunction(judge);

describe('rewardModelFromFunction', () => {
  it('judges both orders in one call, so that names make no difference', async () => {
    judge.mockClear();
    const onProgress = vi.fn();
    const items = [
      { prompt: 'x', a: '333', b: '1' },
      { prompt: 'y', a: '1', b: '333' },
      { prompt: 'z', a: '1', b: '2' },
    ];
    const results = await model.compare(items, { onProgress });
    expect(judge).toHaveBeenCalledTimes(1);
    expect(results.map(({ probability }) => probability)).toEqual(
      [0.7, 0.3, 0.5].map((value) => expect.closeTo(value, 12)),
    );
    expect(results[0]!.orders![0]).toBeCloseTo(0.8, 12);
    expect(results[0]!.orders![1]).toBeCloseTo(0.6, 12);
    expect(results.map(({ consistent }) => consistent)).toEqual([true, true, false]);
    expect(onProgress).toHaveBeenCalledWith(3, 3);
  });

  it('is a reward model: it ranks, scores and is evaluated', async () => {
    expect((await model.rank('x', ['1', '333', '22'])).order).toEqual([1, 2, 0]);
    expect(await model.score('x', '333', '1')).toBeCloseTo(0.7, 12);
    const pairs = [{ id: '1', prompt: 'x', chosen: '333', rejected: '1' }];
    expect((await evaluatePairs(model, pairs)).accuracy).toBe(1);
    expect(await model.compare([])).toEqual([]);
    model.dispose();
  });

  it('ends with the signal', async () => {
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(model.compare([{ prompt: 'x', a: 'y', b: 'z' }], { signal })).rejects.toThrow('stop');
  });

  it.each([
    ['too few', () => [0.5]],
    ['no number', () => [0.5, Number.NaN]],
    ['more than one', () => [0.5, 1.1]],
    ['nothing', () => [undefined, 0.5] as unknown as number[]],
    ['no list', () => 0.5 as unknown as number[]],
  ])('refuses %s', async (_name, bad) => {
    const compare = rewardModelFromFunction(bad).compare([{ prompt: 'x', a: 'y', b: 'z' }]);
    await expect(compare).rejects.toMatchObject({ code: 'bad-values' });
  });
});
