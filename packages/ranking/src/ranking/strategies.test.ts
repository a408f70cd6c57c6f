import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sigmoid } from '../comparator/sigmoid.js';
import { pairsOf, recorded } from './__fixtures__/judges.js';
import { rankAll } from './rank.js';
import { type Ranking, type RankStrategy, rankStrategies } from './ranking.js';
import { knockout, linearScan, mergeSort, roundRobin, strategies, swiss } from './strategies.js';

/** Different qualities in any order, as responses of which a judge can read the quality. */
const qualities = (most: number) =>
  fc
    .uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: most })
    .map((values) => values.map(String));
const sharpness = fc.constantFrom(0.01, 1, 1000);
const byQuality = (responses: readonly string[]) =>
  responses.map((_, i) => i).sort((a, b) => Number(responses[b]) - Number(responses[a]));

const ordering = ['round-robin', 'bradley-terry', 'merge-sort'] as const;
const choosing = [...ordering, 'linear-scan', 'knockout'] as const;

describe('a judge without contradictions', () => {
  it.each(ordering)('%s finds the true order', async (strategy) => {
    await fc.assert(
      fc.asyncProperty(qualities(17), sharpness, async (responses, sharp) => {
        const { model } = recorded((a, b) => sigmoid(sharp * (Number(a) - Number(b))));
        const [ranking] = await rankAll(model, [{ prompt: 'p', responses }], { strategy });
        expect(ranking!.order).toEqual(byQuality(responses));
      }),
    );
  });

  it.each(choosing)('%s finds the true best', async (strategy) => {
    await fc.assert(
      fc.asyncProperty(qualities(33), sharpness, async (responses, sharp) => {
        const { model } = recorded((a, b) => sigmoid(sharp * (Number(a) - Number(b))));
        const [ranking] = await rankAll(model, [{ prompt: 'p', responses }], { strategy });
        expect(ranking!.order[0]).toBe(byQuality(responses)[0]);
      }),
    );
  });

  it.each(['linear-scan', 'knockout'] as const)('%s scores against the best one', async (strategy) => {
    await fc.assert(
      fc.asyncProperty(qualities(9), async (responses) => {
        const { model } = recorded((a, b) => sigmoid(0.1 * (Number(a) - Number(b))));
        const [ranking] = await rankAll(model, [{ prompt: 'p', responses }], { strategy });
        const top = Math.max(...responses.map(Number));
        for (const [i, response] of responses.entries()) {
          expect(ranking!.scores[i]).toBeCloseTo(sigmoid(0.1 * (Number(response) - top)), 9);
        }
        expect(ranking!.order).toEqual(byQuality(responses));
      }),
    );
  });

  it('merge-sort scores by the share of those that come after', async () => {
    const { model } = recorded((a, b) => sigmoid(Number(a) - Number(b)));
    const [ranking] = await mergeSort(model, [{ prompt: 'p', responses: ['3', '1', '5', '2', '4'] }]);
    expect(ranking!.scores).toEqual([0.5, 0, 1, 0.25, 0.75]);
  });

  it('a round robin scores by means, or by strengths', async () => {
    const { model } = recorded((a, b) => sigmoid(Number(a) - Number(b)));
    const items = [{ prompt: 'p', responses: ['0', '1', '3', '2.5', '-1'] }];
    const [rates] = await roundRobin(model, items);
    const [fitted] = await roundRobin(model, items, { aggregate: 'bradley-terry' });
    expect(rates!.scores[2]).toBeCloseTo((sigmoid(3) + sigmoid(2) + sigmoid(0.5) + sigmoid(4)) / 4, 12);
    expect(fitted!.order).toEqual(rates!.order);
    expect([rates!.strategy, fitted!.strategy]).toEqual(['round-robin', 'bradley-terry']);
    // Qualities with a mean of 1.1 are the strengths; the drawn comparison of each draws them together.
    for (const [i, response] of items[0]!.responses.entries()) {
      const [own, truth] = [fitted!.scores[i]! - 0.5, sigmoid(Number(response) - 1.1) - 0.5];
      expect(own / truth).toBeGreaterThan(0.6);
      expect(own / truth).toBeLessThan(1);
    }
  });
});

describe('any judge', () => {
  /** Probabilities without any order behind them; one for each pair of places, with ties and certainties among them. */
  const table = fc.integer({ min: 2, max: 18 }).chain((n) =>
    fc.record({
      n: fc.constant(n),
      values: fc.array(fc.oneof(fc.constantFrom(0, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true })), {
        minLength: n * n,
        maxLength: n * n,
      }),
    }),
  );

  it.each(rankStrategies)('%s keeps to its cost and gives an order with its scores', async (strategy) => {
    await fc.assert(
      fc.asyncProperty(table, async ({ n, values }) => {
        const { model, calls } = recorded((a, b) => values[Number(a) * n + Number(b)]!);
        const responses = Array.from({ length: n }, (_, i) => String(i));
        const [ranking] = await rankAll(model, [{ prompt: 'p', responses }], { strategy });
        const { order, scores, comparisons, rounds } = ranking!;
        expect([...order].sort((a, b) => a - b)).toEqual(responses.map(Number));
        expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
        for (const [at, place] of order.slice(1).entries()) {
          expect(scores[place]).toBeLessThanOrEqual(scores[order[at]!]! + 1e-6);
        }
        const pairs = calls.flatMap(pairsOf);
        expect({ comparisons, rounds }).toEqual({ comparisons: pairs.length, rounds: calls.length });
        const most = strategies[strategy].cost(n);
        expect(comparisons).toBeLessThanOrEqual(most.comparisons);
        expect(rounds).toBeLessThanOrEqual(most.rounds);
        // No pair is compared twice, in one round or in two.
        expect(new Set(pairs).size).toBe(pairs.length);
      }),
    );
  });

  it('a fit to all pairs has the order of the means', async () => {
    await fc.assert(
      fc.asyncProperty(table, async ({ n, values }) => {
        const { model } = recorded((a, b) => values[Number(a) * n + Number(b)]!);
        const items = [{ prompt: 'p', responses: Array.from({ length: n }, (_, i) => String(i)) }];
        const [rates] = await roundRobin(model, items);
        const [fitted] = await roundRobin(model, items, { aggregate: 'bradley-terry' });
        expect(fitted!.order).toEqual(rates!.order);
        for (const [at, place] of rates!.order.slice(1).entries()) {
          expect(fitted!.scores[place]).toBeLessThanOrEqual(fitted!.scores[rates!.order[at]!]! + 1e-5);
        }
      }),
    );
  });

  it.each(rankStrategies)('%s gives ties to the earlier response', async (strategy) => {
    for (let n = 2; n <= 17; n++) {
      const responses = Array.from({ length: n }, (_, i) => `r${i}`);
      const { model } = recorded(() => 0.5);
      const [ranking] = await rankAll(model, [{ prompt: 'p', responses }], { strategy });
      expect(ranking!.order).toEqual(responses.map((_, i) => i));
    }
  });

  it.each(rankStrategies)('%s gives equal input an equal result', async (strategy) => {
    const judge = () => recorded((a, b) => ((Number(a) * 7 + Number(b) * 13) % 11) / 10);
    const items = [{ prompt: 'p', responses: Array.from({ length: 13 }, (_, i) => String(i)) }];
    expect(await rankAll(judge().model, items, { strategy })).toEqual(
      await rankAll(judge().model, items, { strategy }),
    );
  });

  it('ranks a circle of three', async () => {
    // Each one beats the next.
    const { model } = recorded((a, b) => ((Number(b) - Number(a) + 3) % 3 === 1 ? 0.9 : 0.1));
    const items = [{ prompt: 'p', responses: ['0', '1', '2'] }];
    const first = async (rank: typeof linearScan) => (await rank(model, items))[0]!.order[0];
    expect(await first(roundRobin)).toBe(0);
    expect(await first(linearScan)).toBe(2);
    // The last one has the bye and meets the winner of the others.
    expect(await first(knockout)).toBe(2);
    expect(await first(swiss)).toBe(0);
    expect((await mergeSort(model, items))[0]!.order).toHaveLength(3);
  });
});

describe('cost', () => {
  const table: Record<RankStrategy, Record<number, [comparisons: number, rounds: number]>> = {
    'round-robin': { 2: [1, 1], 5: [10, 1], 8: [28, 1], 32: [496, 1] },
    'bradley-terry': { 2: [1, 1], 5: [10, 1], 8: [28, 1], 32: [496, 1] },
    'linear-scan': { 2: [1, 1], 5: [4, 4], 8: [7, 7], 32: [31, 31] },
    knockout: { 2: [1, 1], 5: [4, 3], 8: [7, 3], 32: [31, 5] },
    'merge-sort': { 2: [1, 1], 5: [8, 7], 8: [17, 11], 32: [129, 57] },
    swiss: { 2: [1, 1], 5: [10, 5], 8: [24, 6], 32: [160, 10] },
  };

  it.each(rankStrategies)('of %s is what it says', (strategy) => {
    for (const [n, [comparisons, rounds]] of Object.entries(table[strategy])) {
      expect(strategies[strategy].cost(Number(n))).toEqual({ comparisons, rounds });
    }
  });

  it.each(['round-robin', 'bradley-terry', 'linear-scan', 'knockout'] as const)(
    'of %s is exact',
    async (strategy) => {
      for (let n = 2; n <= 20; n++) {
        const { model, calls } = recorded((a, b) => sigmoid(Number(a) * 1.7 - Number(b)));
        const responses = Array.from({ length: n }, (_, i) => String((i * 7) % 23));
        await rankAll(model, [{ prompt: 'p', responses }], { strategy });
        const comparisons = calls.reduce((sum, batch) => sum + batch.length, 0);
        expect({ comparisons, rounds: calls.length }).toEqual(strategies[strategy].cost(n));
      }
    },
  );

  it.each([1, 2, 3, 4, 5])('of merge-sort is reached, here for 2^%d responses', async (levels) => {
    // Bits in reverse: of any two runs, each has every other one of both.
    const reversed = (i: number) =>
      Number.parseInt(i.toString(2).padStart(levels, '0').split('').reverse().join(''), 2);
    const responses = Array.from({ length: 2 ** levels }, (_, i) => String(reversed(i)));
    const { model } = recorded((a, b) => sigmoid(Number(a) - Number(b)));
    const [{ comparisons, rounds }] = (await mergeSort(model, [{ prompt: 'p', responses }])) as [Ranking];
    expect({ comparisons, rounds }).toEqual(strategies['merge-sort'].cost(responses.length));
  });

  it('lets nobody have two byes in a knockout', async () => {
    for (let n = 2; n <= 40; n++) {
      const { model, calls } = recorded((a, b) => ((Number(a) * 5 + Number(b) * 3) % 7) / 6);
      const responses = Array.from({ length: n }, (_, i) => String(i));
      await knockout(model, [{ prompt: 'p', responses }]);
      for (const response of responses) {
        const played = calls.map((batch) => batch.some(({ a, b }) => a === response || b === response));
        const byes = played.slice(0, played.lastIndexOf(true)).filter((each) => !each);
        expect(byes.length).toBeLessThanOrEqual(1);
      }
    }
  });
});
