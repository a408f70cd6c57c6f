import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitBradleyTerry } from './bradley-terry.js';
import { type Game, pairOf } from './plan.js';

const game = (a: number, b: number, probability: number): Game => ({ pair: [a, b], probability });

interface Case {
  readonly name: string;
  readonly n: number;
  readonly games: readonly (readonly [number, number, number])[];
  readonly prior: number;
  readonly logs: readonly number[];
}
const fixture = new URL('__fixtures__/bradley-terry.json', import.meta.url);
const cases: Case[] = JSON.parse(readFileSync(fixture, 'utf8'));

describe('fitBradleyTerry', () => {
  it.each(cases)('finds what Newton steps find: $name', ({ n, games, prior, logs }) => {
    const found = fitBradleyTerry(
      n,
      games.map(([a, b, probability]) => game(a, b, probability)),
      prior,
    );
    for (const [i, log] of logs.entries()) expect(found[i]).toBeCloseTo(log, 7);
  });

  it('finds the strengths of the baseball teams of Agresti (Categorical Data Analysis, 2002, 10.6)', () => {
    // Wins of 13 games of each pair: Milwaukee, Detroit, Toronto, New York, Boston, Cleveland, Baltimore.
    const wins = [
      [0, 7, 9, 7, 7, 9, 11],
      [6, 0, 7, 5, 11, 9, 9],
      [4, 6, 0, 7, 7, 8, 12],
      [6, 8, 6, 0, 6, 7, 10],
      [6, 2, 6, 7, 0, 7, 12],
      [4, 4, 5, 6, 6, 0, 6],
      [2, 4, 1, 3, 1, 7, 0],
    ];
    const games = wins.flatMap((row, a) => row.map((won, b) => game(a, b, won / 13))).filter(byPlace);
    const logs = fitBradleyTerry(7, games, 1e-9);
    const published = [1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0];
    for (const [i, value] of published.entries()) expect(logs[i]! - logs[6]!).toBeCloseTo(value, 2);
  });

  it('gives back the strengths that the probabilities come from', () => {
    const truth = [1.5, -0.3, 0.2, -1.4];
    const chance = (a: number, b: number) => 1 / (1 + Math.exp(truth[b]! - truth[a]!));
    const path = [game(0, 1, chance(0, 1)), game(1, 2, chance(1, 2)), game(2, 3, chance(2, 3))];
    for (const [i, log] of fitBradleyTerry(4, path, 1e-6).entries()) expect(log).toBeCloseTo(truth[i]!, 4);
  });

  it('stays finite, and has a mean of 0, whatever it is given', () => {
    const probability = fc.oneof(fc.constantFrom(0, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true }));
    const input = fc.integer({ min: 2, max: 9 }).chain((n) => {
      const place = fc.integer({ min: 0, max: n - 1 });
      return fc.record({ n: fc.constant(n), games: fc.array(fc.tuple(place, place, probability)) });
    });
    fc.assert(
      fc.property(input, ({ n, games }) => {
        const different = games.filter(([a, b]) => a !== b);
        const logs = fitBradleyTerry(
          n,
          different.map(([a, b, chance]) => ({ pair: pairOf(a, b), probability: chance })),
          0.1,
        );
        expect(logs).toHaveLength(n);
        expect(logs.every(Number.isFinite)).toBe(true);
        expect(logs.reduce((sum, log) => sum + log, 0)).toBeCloseTo(0, 9);
      }),
    );
  });
});

function byPlace({ pair: [a, b] }: Game): boolean {
  return a < b;
}
