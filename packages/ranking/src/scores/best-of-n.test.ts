import { createRandom } from '@gram/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Comparator } from '../comparator/comparator.js';
import { bestOfN, bestOfNCurve, bestOfNKl } from './best-of-n.js';

const random = () => createRandom(1, 'best-of-n');

/** Every set of n indices below `count`. */
function subsets(count: number, n: number, from = 0): number[][] {
  if (n === 0) return [[]];
  return Array.from({ length: count - from }, (_, i) => from + i).flatMap((first) =>
    subsets(count, n - 1, first + 1).map((rest) => [first, ...rest]),
  );
}

/** The mean reward of the best by proxy over all sets of n; equal ones count alike. */
function bruteForce(proxy: readonly number[], reward: readonly number[], n: number): number {
  const all = subsets(proxy.length, n).map((set) => {
    const top = Math.max(...set.map((i) => proxy[i]!));
    const best = set.filter((i) => proxy[i] === top);
    return best.reduce((sum, i) => sum + reward[i]!, 0) / best.length;
  });
  return all.reduce((sum, value) => sum + value, 0) / all.length;
}

describe('bestOfNKl', () => {
  it.each([
    [1, 0],
    [2, 0.1931],
    [4, 0.6363],
    [8, 1.2044],
    [16, 1.8351],
    [64, 3.1745],
    [256, 4.5491],
    [405, 5.0064],
  ])('of %d is %d', (n, kl) => {
    expect(bestOfNKl(n)).toBeCloseTo(kl, 4);
  });
});

describe('bestOfNCurve', () => {
  it('is the mean over all draws of n, ties included', () => {
    const sample = fc.record({
      proxy: fc.integer({ min: 0, max: 4 }),
      gold: fc.integer({ min: -9, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 6 }), (samples) => {
        const proxy = samples.map((each) => each.proxy);
        const gold = samples.map((each) => each.gold);
        const sizes = samples.map((_, i) => i + 1);
        for (const point of bestOfNCurve([{ proxy, gold }], sizes, random())) {
          // Equal ones of a set share the choice among themselves; over all sets that is the same share.
          expect(point.proxy.mean).toBeCloseTo(bruteForce(proxy, proxy, point.n), 10);
          expect(point.gold!.mean).toBeCloseTo(bruteForce(proxy, gold, point.n), 10);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is the plain mean for n = 1, rises in the proxy, and ends at the best', () => {
    const groups = Array.from({ length: 20 }, (_, i) => {
      const stream = createRandom(2, 'group', i);
      return { proxy: Array.from({ length: 16 }, () => stream.normal()) };
    });
    const curve = bestOfNCurve(groups, [1, 2, 4, 8, 16], random());
    const means = curve.map(({ proxy }) => proxy.mean);
    const plain = groups.map(({ proxy }) => proxy.reduce((sum, value) => sum + value, 0) / 16);
    const tops = groups.map(({ proxy }) => Math.max(...proxy));
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(means[0]).toBeCloseTo(mean(plain), 10);
    expect(means.at(-1)).toBeCloseTo(mean(tops), 10);
    for (const [i, value] of means.slice(1).entries()) expect(value).toBeGreaterThan(means[i]!);
    for (const { proxy, gold } of curve) {
      expect(proxy.interval[0]).toBeLessThan(proxy.mean);
      expect(proxy.interval[1]).toBeGreaterThan(proxy.mean);
      expect(gold).toBeUndefined();
    }
  });

  it('weighs prompts alike, however many samples they have', () => {
    const groups = [
      { proxy: [1, 2], gold: [5, 7] },
      { proxy: [4, 3, 2, 1], gold: [0, 6, 6, 6] },
    ];
    const [one, two] = bestOfNCurve(groups, [1, 2], random());
    expect(one!.gold!.mean).toBeCloseTo((6 + 4.5) / 2, 10);
    // Of four, the best is among two drawn in 3 of 6 draws.
    expect(two!.gold!.mean).toBeCloseTo((7 + 3) / 2, 10);
    expect(two!.kl).toBe(bestOfNKl(2));
  });

  it('does not depend on the order of the samples, and stays finite for many', () => {
    const stream = createRandom(3, 'many');
    const proxy = Array.from({ length: 800 }, () => stream.integer(50));
    const gold = proxy.map((value) => value + stream.normal());
    const order = stream.shuffle(proxy.map((_, i) => i));
    const shuffled = { proxy: order.map((i) => proxy[i]!), gold: order.map((i) => gold[i]!) };
    const sizes = [1, 3, 400, 799, 800];
    const a = bestOfNCurve([{ proxy, gold }], sizes, random());
    const b = bestOfNCurve([shuffled], sizes, random());
    for (const [i, point] of a.entries()) {
      expect(point.gold!.mean).toBeCloseTo(b[i]!.gold!.mean, 9);
      // The shares sum to 1: a reward of 1 everywhere stays 1.
      const ones = bestOfNCurve([{ proxy, gold: proxy.map(() => 1) }], [point.n], random());
      expect(ones[0]!.gold!.mean).toBeCloseTo(1, 9);
    }
  });

  it.each<[string, Parameters<typeof bestOfNCurve>[0], number[], string]>([
    ['no groups', [], [1], 'bad-values'],
    ['a group without samples', [{ proxy: [1] }, { proxy: [] }], [1], 'bad-values'],
    ['lists of different lengths', [{ proxy: [1, 2], gold: [1] }], [1], 'bad-values'],
    ['a number that is not finite', [{ proxy: [1, Number.NaN] }], [1], 'bad-values'],
    ['gold rewards in some groups only', [{ proxy: [1], gold: [1] }, { proxy: [1] }], [1], 'bad-values'],
    ['n of 0', [{ proxy: [1, 2] }], [0], 'bad-option'],
    ['n that is not whole', [{ proxy: [1, 2] }], [1.5], 'bad-option'],
    ['n above the smallest group', [{ proxy: [1, 2] }, { proxy: [1] }], [2], 'bad-option'],
  ])('refuses %s', (_name, groups, sizes, code) => {
    expect(() => bestOfNCurve(groups, sizes, random())).toThrow(expect.objectContaining({ code }));
  });
});

describe('bestOfN', () => {
  /** Prefers the longer text; equal lengths tie. */
  function longer() {
    const calls: number[] = [];
    const model: Comparator = {
      compare: async (items) => {
        calls.push(items.length);
        return items.map(({ a, b }) => ({
          probability: a.length === b.length ? 0.5 : a.length > b.length ? 0.9 : 0.1,
          consistent: true,
          truncated: false,
          neutralized: false,
        }));
      },
    };
    return { model, calls };
  }
  const item = (id: string, ...responses: string[]) => ({ id, prompt: 'p', responses });

  it('says whose texts were cut or escaped', async () => {
    const { model } = longer();
    const flagging: Comparator = {
      compare: async (items) =>
        (await model.compare(items)).map((made, i) => ({
          ...made,
          truncated: items[i]!.a === 'cut',
          neutralized: items[i]!.b === 'escaped',
        })),
    };
    const chosen = await bestOfN(flagging, [
      item('a', 'cut', 'x'),
      item('b', 'y', 'escaped'),
      item('c', 'z', 'zz'),
    ]);
    expect(chosen.map(({ truncated, neutralized }) => [truncated, neutralized])).toEqual([
      [true, false],
      [false, true],
      [false, false],
    ]);
  });

  it('finds the best, in one call a round over all prompts', async () => {
    const { model, calls } = longer();
    const seen: number[] = [];
    const items = [item('a', 'x', 'xxx', 'xx', 'xxxx', 'x.', 'x!'), item('b', 'yy', 'y'), item('c', 'z')];
    const chosen = await bestOfN(model, items, { onProgress: (done, total) => seen.push(done, total) });
    expect(chosen).toMatchObject([
      { index: 3, comparisons: 5 },
      { index: 0, comparisons: 1 },
      { index: 0, comparisons: 0 },
    ]);
    expect(calls).toEqual([4, 1, 1]);
    expect(seen).toEqual([4, 6, 5, 6, 6, 6]);
  });

  it('scans as the paper does where that is asked for', async () => {
    const { model, calls } = longer();
    const chosen = await bestOfN(model, [item('a', 'x', 'xxx', 'xx', 'xxxx')], { strategy: 'linear-scan' });
    expect(chosen).toMatchObject([{ index: 3, comparisons: 3 }]);
    expect(calls).toEqual([1, 1, 1]);
  });

  it('keeps the earlier of two that tie, and does not compare equal texts', async () => {
    const { model, calls } = longer();
    expect(await bestOfN(model, [item('a', 'xx', 'yy', 'xx', 'x')])).toMatchObject([
      { index: 0, comparisons: 3 },
    ]);
    expect(await bestOfN(model, [item('a', 'x', 'yy', 'yy')])).toMatchObject([{ index: 1, comparisons: 1 }]);
    expect(calls).toEqual([3, 1]);
    expect(await bestOfN(model, [item('a', 'x', 'x', 'x')])).toMatchObject([{ index: 0, comparisons: 0 }]);
    const turns = () => [{ role: 'assistant', content: 'x' }];
    const alike = { id: 'a', prompt: 'p', responses: [turns(), turns()] };
    expect(await bestOfN(model, [alike])).toMatchObject([{ index: 0, comparisons: 0 }]);
    expect(calls).toEqual([3, 1]);
  });

  it('names an item without responses', async () => {
    const { model, calls } = longer();
    await expect(bestOfN(model, [item('a', 'x', 'y'), item('empty')])).rejects.toThrow(
      /^empty has no responses/,
    );
    expect(calls).toEqual([]);
    expect(await bestOfN(model, [])).toEqual([]);
  });

  it('stops between two rounds, even where the comparator does not look at the signal', async () => {
    const { model, calls } = longer();
    const controller = new AbortController();
    const run = bestOfN(model, [item('a', 'x', 'xx', 'xxx', 'xxxx', 'xxxxx')], {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(run).rejects.toThrow('enough');
    expect(calls).toEqual([2]);
  });
});
