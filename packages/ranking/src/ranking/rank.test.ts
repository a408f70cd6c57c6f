import { describe, expect, it, vi } from 'vitest';
import type { ComparisonItem } from '../comparator/comparator.js';
import { sigmoid } from '../comparator/sigmoid.js';
import { rank, rankAll, score } from './rank.js';

/** Prefers longer responses. */
const oracle = {
  compare: vi.fn(async (items: readonly ComparisonItem[]) =>
    items.map(({ a, b }) => ({
      probability: sigmoid(a.length - b.length),
      consistent: true,
      truncated: false,
      neutralized: false,
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

it('refuses a strategy that does not exist', async () => {
  const run = rank(oracle, 'x', ['a', 'b'], { strategy: 'toString' as 'swiss' });
  await expect(run).rejects.toMatchObject({
    code: 'bad-option',
    hint: expect.stringContaining('merge-sort'),
  });
});

it('scores a response against a reference', async () => {
  expect(await score(oracle, 'x', { response: 'four', reference: 'reference' })).toBeCloseTo(sigmoid(-5), 12);
});

describe('auto', () => {
  const responses = (n: number) => Array.from({ length: n }, (_, i) => 'x'.repeat(1 + ((i * 5) % n)));
  const chosen = async (n: number, purpose?: 'order' | 'best') => {
    const { strategy, comparisons, rounds } = await rank(oracle, 'x', responses(n), { purpose });
    return [strategy, comparisons, rounds];
  };

  it('compares all pairs of few responses, and fewer of many', async () => {
    expect(await chosen(2)).toEqual(['round-robin', 1, 1]);
    expect(await chosen(16)).toEqual(['round-robin', 120, 1]);
    expect(await chosen(17)).toEqual(['swiss', 80, 10]);
    expect(await chosen(32)).toEqual(['swiss', 160, 10]);
  });

  it('needs few comparisons where only the best is wanted', async () => {
    expect(await chosen(4, 'best')).toEqual(['round-robin', 6, 1]);
    expect(await chosen(5, 'best')).toEqual(['knockout', 4, 3]);
    expect(await chosen(32, 'best')).toEqual(['knockout', 31, 5]);
  });

  it('compares all pairs where that is one evaluation of each response', async () => {
    const model = { ...oracle, kind: 'discriminative' as const };
    for (const purpose of ['order', 'best'] as const) {
      const ranked = await rank(model, 'x', responses(40), { purpose });
      expect(ranked).toMatchObject({ strategy: 'round-robin', rounds: 1 });
    }
  });

  it('gives way to a strategy that is named', async () => {
    const items = [{ prompt: 'x', responses: responses(20) }];
    const [ranked] = await rankAll(oracle, items, { strategy: 'merge-sort', purpose: 'best' });
    expect(ranked!.strategy).toBe('merge-sort');
    expect(ranked!.order).toEqual((await rankAll(oracle, items, { strategy: 'round-robin' }))[0]!.order);
  });
});
