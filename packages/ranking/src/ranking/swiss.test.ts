import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairsOf, recorded } from './__fixtures__/judges.js';
import { swiss } from './strategies.js';
import { pairNeighbors } from './swiss.js';

const item = (n: number) => ({ prompt: 'p', responses: Array.from({ length: n }, (_, i) => `r${i}`) });

describe('pairNeighbors', () => {
  it('pairs neighbors, and the next one below where they have met', () => {
    expect(pairNeighbors([3, 1, 0, 2], () => false)).toEqual([
      [3, 1],
      [0, 2],
    ]);
    expect(pairNeighbors([3, 1, 0, 2], (a, b) => a + b === 4)).toEqual([
      [3, 0],
      [1, 2],
    ]);
  });

  it('parts a pair where two are left that have met', () => {
    expect(pairNeighbors([0, 1, 2, 3], (a, b) => a + b === 5)).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it('leaves out those that nobody is left for', () => {
    const met = (a: number, b: number) => a === 0 || b === 0;
    expect(pairNeighbors([0, 1, 2, 3], met)).toEqual([[1, 2]]);
  });
});

describe('swiss', () => {
  it('pairs everybody in every round, if there are no more rounds than half the responses', async () => {
    const list = fc.record({ n: fc.integer({ min: 2, max: 21 }), seed: fc.integer() });
    await fc.assert(
      fc.asyncProperty(list, async ({ n, seed }) => {
        const { model, calls } = recorded((a, b) => hash(`${seed} ${a} ${b}`));
        const rounds = Math.ceil(n / 2);
        const [ranking] = await swiss(model, [item(n)], { rounds });
        expect(calls.map((batch) => batch.length)).toEqual(new Array(rounds).fill(Math.floor(n / 2)));
        expect(new Set(calls.flatMap(pairsOf)).size).toBe(rounds * Math.floor(n / 2));
        expect(ranking).toMatchObject({ rounds, comparisons: rounds * Math.floor(n / 2) });
      }),
    );
  });

  it.each([
    [4, 99, 3, 6],
    [5, 99, 5, 10],
    [2, 3, 1, 1],
  ])('of %d responses ends when all have met, at the latest', async (n, rounds, most, comparisons) => {
    const { model, calls } = recorded((a, b) => hash(`${a} ${b}`));
    const [ranking] = await swiss(model, [item(n)], { rounds });
    expect(ranking).toMatchObject({ rounds: most, comparisons });
    expect(new Set(calls.flatMap(pairsOf)).size).toBe(comparisons);
  });

  it('lets each of an odd number sit out at most once', async () => {
    const { model, calls } = recorded((a, b) => hash(`${b} ${a}`));
    await swiss(model, [item(7)], { rounds: 4 });
    const out = calls.map((batch) => {
      const present = new Set(batch.flatMap(({ a, b }) => [a, b]));
      return item(7).responses.filter((response) => !present.has(response));
    });
    expect(out.flat()).toHaveLength(4);
    expect(new Set(out.flat()).size).toBe(4);
  });

  it.each([0, 1.5, Number.NaN])('refuses %d rounds', async (rounds) => {
    const { model } = recorded(() => 0.5);
    await expect(swiss(model, [item(4)], { rounds })).rejects.toMatchObject({ code: 'bad-option' });
  });
});

/** A number in [0, 1] that looks random. */
function hash(text: string): number {
  let value = 2166136261;
  for (const letter of text) value = Math.imul(value ^ letter.charCodeAt(0), 16777619);
  return ((value ^ (value >>> 15)) >>> 0) / 2 ** 32;
}
