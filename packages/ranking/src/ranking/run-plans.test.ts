import { describe, expect, it } from 'vitest';
import type { Comparator } from '../comparator/comparator.js';
import { recorded } from './__fixtures__/judges.js';
import { rank, rankAll } from './rank.js';

const longer = () => recorded((a, b) => (a.length === b.length ? 0.5 : a.length > b.length ? 0.9 : 0.1));
const item = (prompt: string, ...responses: string[]) => ({ prompt, responses });

describe('several lists', () => {
  const items = [
    item('p', 'x', 'xxx', 'xx', 'xxxx', 'xxxxx'),
    item('q', 'yy', 'y'),
    item('r', 'z', 'zz', 'zzz'),
  ];

  it('advance together: a round of all is one call', async () => {
    const { model, calls } = longer();
    const rankings = await rankAll(model, items, { strategy: 'knockout' });
    expect(rankings.map(({ order }) => order[0])).toEqual([4, 0, 2]);
    expect(rankings.map(({ comparisons, rounds }) => [comparisons, rounds])).toEqual([
      [4, 3],
      [1, 1],
      [2, 2],
    ]);
    expect(calls.map((batch) => batch.length)).toEqual([4, 2, 1]);
  });

  it('are ranked as each would be by itself, each by the strategy for its length', async () => {
    const lists = [
      ...items,
      item('s', ...Array.from({ length: 20 }, (_, i) => 's'.repeat(1 + ((i * 7) % 20)))),
    ];
    const together = await rankAll(longer().model, lists);
    for (const [i, { prompt, responses }] of lists.entries()) {
      expect(together[i]).toEqual(await rank(longer().model, prompt, responses));
    }
    expect(new Set(together.map(({ strategy }) => strategy)).size).toBe(2);
  });

  it('of none ask nothing', async () => {
    const { model, calls } = longer();
    expect(await rankAll(model, [])).toEqual([]);
    expect(calls).toEqual([]);
  });

  it('are named where something is wrong', async () => {
    const { model, calls } = longer();
    await expect(rankAll(model, [...items, item('s', 'x')])).rejects.toThrow(
      /^item 3 has 1 responses to rank/,
    );
    await expect(rankAll(model, [{ id: 'the last', ...item('s') }])).rejects.toThrow(/^the last has 0 resp/);
    expect(calls).toEqual([]);
    await rankAll(model, [item('p', 'x', 'y'), { id: 'second', ...item('q', 'x', 'y') }]);
    expect(calls[0]!.map(({ id }) => id)).toEqual(['item 0, responses 0 and 1', 'second, responses 0 and 1']);
    await rank(model, 'p', ['x', 'y']);
    expect(calls[1]!.map(({ id }) => id)).toEqual(['responses 0 and 1']);
  });
});

describe('progress', () => {
  async function seen(model: Comparator, strategy: 'knockout' | 'merge-sort' | 'round-robin') {
    const told: [number, number][] = [];
    const responses = ['x', 'xx', 'xxx', 'xxxx'];
    await rank(model, 'p', responses, { strategy, onProgress: (done, total) => told.push([done, total]) });
    return told;
  }

  it('counts comparisons after each round', async () => {
    expect(await seen(longer().model, 'knockout')).toEqual([
      [2, 3],
      [3, 3],
    ]);
  });

  it('ends with what was needed where less was needed than could be', async () => {
    const told = await seen(longer().model, 'merge-sort');
    expect(told.slice(0, -1).every(([, total]) => total === 5)).toBe(true);
    expect(told.at(-1)).toEqual([4, 4]);
  });

  it('goes on within a round where the model tells', async () => {
    const model: Comparator = {
      compare: async (items, options) => {
        const results = await longer().model.compare(items);
        for (const [i] of items.entries()) options?.onProgress?.(i + 1, items.length);
        return results;
      },
    };
    expect(await seen(model, 'round-robin')).toEqual([1, 2, 3, 4, 5, 6].map((done) => [done, 6]));
    expect(await seen(model, 'knockout')).toEqual([1, 2, 3].map((done) => [done, 3]));
  });
});

it('stops between two rounds, even where the comparator does not look at the signal', async () => {
  const { model, calls } = longer();
  const controller = new AbortController();
  const run = rank(model, 'p', ['x', 'xx', 'xxx', 'xxxx'], {
    strategy: 'linear-scan',
    signal: controller.signal,
    onProgress: () => controller.abort(new Error('enough')),
  });
  await expect(run).rejects.toThrow('enough');
  expect(calls).toHaveLength(1);
});

it('hands the signal to the model', async () => {
  const { signal } = new AbortController();
  const signals: unknown[] = [];
  const model: Comparator = {
    compare: async (items, options) => {
      signals.push(options?.signal);
      return longer().model.compare(items);
    },
  };
  await rank(model, 'p', ['x', 'xx'], { signal });
  expect(signals).toEqual([signal]);
});

it.each([
  ['too few results', () => [], /0 results for 1 items/],
  ['no number', () => [{ probability: Number.NaN }], /NaN for responses 0 and 1/],
  ['no probability', () => [{ probability: 1.5 }], /1.5 for responses 0 and 1/],
])('refuses a comparator that gives %s', async (_name, results, message) => {
  const model = { compare: async () => results() } as unknown as Comparator;
  const run = rank(model, 'p', ['x', 'y']);
  await expect(run).rejects.toThrow(message);
  await expect(run).rejects.toMatchObject({ code: 'bad-values' });
});
