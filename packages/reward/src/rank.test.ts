import { expect, it, vi } from 'vitest';
import { sigmoid } from './probability.js';
import { rank, score } from './rank.js';
import type { ComparisonItem } from './reward-model.js';

/** Prefers longer responses. */
const oracle = {
  compare: vi.fn(async (items: readonly ComparisonItem[]) =>
    items.map(({ a, b }) => ({
      probability: sigmoid(a.length - b.length),
      consistent: true,
      truncated: false,
      neutralised: false,
    })),
  ),
};

it('finds a planted order with one call', async () => {
  oracle.compare.mockClear();
  const ranking = await rank(oracle, 'x', ['333', '1', '55555', '22', '4444']);
  expect(ranking.order).toEqual([2, 4, 0, 3, 1]);
  expect(ranking.comparisons).toBe(10);
  expect(oracle.compare).toHaveBeenCalledTimes(1);
});

it('scores a response by its mean probability against the others', async () => {
  const { scores } = await rank(oracle, 'x', ['a', 'bb', 'cccc']);
  expect(scores[0]).toBeCloseTo((sigmoid(-1) + sigmoid(-3)) / 2, 12);
  expect(scores[1]).toBeCloseTo((sigmoid(1) + sigmoid(-2)) / 2, 12);
  expect(scores[2]).toBeCloseTo((sigmoid(3) + sigmoid(2)) / 2, 12);
});

it('puts the earlier of two equal responses first', async () => {
  expect((await rank(oracle, 'x', ['b', 'a', 'cc'])).order).toEqual([2, 0, 1]);
});

it('refuses to rank one response', async () => {
  await expect(rank(oracle, 'x', ['a'])).rejects.toMatchObject({ code: 'too-few-responses' });
});

it('scores a response against a reference', async () => {
  expect(await score(oracle, 'x', 'four', 'reference')).toBeCloseTo(sigmoid(-5), 12);
});
