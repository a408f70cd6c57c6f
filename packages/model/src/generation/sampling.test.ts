import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Decoding } from './generation.js';
import { chooseToken, filteredDistribution } from './sampling.js';

/** The definition, step by step: sort everything, cut, divide. */
function naive(logits: readonly number[], { temperature = 1, topK, topP = 1, minP = 0 }: Decoding) {
  const top = logits.reduce((a, b) => Math.max(a, b));
  const weights = logits.map((logit) => Math.exp((logit - top) / temperature));
  let order = weights.map((_, i) => i);
  if (topK !== undefined || topP < 1) {
    order.sort((a, b) => weights[b]! - weights[a]! || a - b);
    order = order.slice(0, topK);
  }
  const sum = order.reduce((total, i) => total + weights[i]!, 0);
  const kept: number[] = [];
  let share = 0;
  for (const i of order) {
    if (kept.length > 0 && topP < 1 && share >= topP) break;
    kept.push(i);
    share += weights[i]! / sum;
  }
  const likely = kept.filter((i) => weights[i]! >= minP && weights[i]! > 0);
  const left = likely.reduce((total, i) => total + weights[i]!, 0);
  return new Map(likely.map((i) => [i, weights[i]! / left]));
}

/** The definition of a draw: the first token at which the cumulative distribution passes the random number. */
function naiveChoice(logits: readonly number[], decoding: Decoding, uniform: number): number {
  let sum = 0;
  let last = 0;
  for (const [id, probability] of naive(logits, decoding)) {
    sum += probability;
    last = id;
    if (sum > uniform) break;
  }
  return last;
}

function stream(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Away from each other, so that rounding cannot decide which token is the last one kept. */
const logits = fc
  .uniqueArray(fc.integer({ min: -400, max: 400 }), { minLength: 1, maxLength: 40 })
  .map((values) => Float32Array.from(values, (value) => value / 60));

describe('filteredDistribution', () => {
  it('follows the definition of temperature, top-k, nucleus and min-p', () => {
    fc.assert(
      fc.property(
        logits,
        fc.double({ min: 0.2, max: 3, noNaN: true }),
        fc.integer({ min: 1, max: 45 }),
        fc.constantFrom(0.1, 0.5, 0.8, 0.95, 0.999, 1),
        fc.constantFrom(0, 0.003, 0.04, 0.5),
        (values, temperature, topK, topP, minP) => {
          const decoding = { temperature, topK, topP, minP };
          const { ids, probabilities } = filteredDistribution(values, decoding);
          const expected = naive([...values], decoding);
          expect([...ids].sort()).toEqual([...expected.keys()].sort());
          for (const [i, id] of ids.entries()) expect(probabilities[i]).toBeCloseTo(expected.get(id)!, 10);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('puts the lower id first among equals', () => {
    expect(filteredDistribution(Float32Array.of(1, 2, 2, 2), { topK: 2 }).ids).toEqual([1, 2]);
    expect(filteredDistribution(Float32Array.of(1, 2, 2), { temperature: 0 }).ids).toEqual([1]);
  });
});

describe('against transformers', () => {
  // Made by tools/make-sampling-fixtures.py with the processors of Hugging Face transformers.
  const { decodings, rows } = JSON.parse(
    readFileSync(new URL('./__fixtures__/sampling.json', import.meta.url), 'utf8'),
  ) as {
    decodings: Decoding[];
    rows: { logits: number[]; seen: number[]; probabilities: number[][] }[];
  };

  it.each(decodings.map((decoding, d) => [JSON.stringify(decoding), decoding, d] as const))(
    'has the same distribution: %s',
    (_name, decoding, d) => {
      for (const { logits: row, seen, probabilities } of rows) {
        const found = filteredDistribution(Float32Array.from(row), decoding, seen);
        const all = new Float64Array(row.length);
        for (const [i, id] of found.ids.entries()) all[id] = found.probabilities[i]!;
        for (const [id, value] of probabilities[d]!.entries()) {
          expect(Math.abs(all[id]! - value)).toBeLessThan(1e-6);
          expect(all[id]! > 0).toBe(value > 0);
        }
      }
    },
  );
});

describe('the repetition penalty', () => {
  it('changes the choice of greedy decoding, and counts a token once', () => {
    const values = Float32Array.of(2, 1.9, -1);
    const greedy = { temperature: 0, repetitionPenalty: 1.1 };
    expect(chooseToken(values, greedy)).toBe(0);
    expect(chooseToken(values, greedy, [0])).toBe(1);
    // 2 / 1.1 is above 1.9 / 1.1, and 2 / 1.1 / 1.1 would not be.
    expect(chooseToken(values, greedy, [0, 1, 0, 0])).toBe(0);
    expect(chooseToken(Float32Array.of(-1, -1.05), greedy, [0])).toBe(1);
    expect(values).toEqual(Float32Array.of(2, 1.9, -1));
  });
});

describe('chooseToken', () => {
  it('makes the choice of the definition, whatever the size and the ties', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.constantFrom(1, 2, 30, 700, 5000),
        fc.constantFrom('spread', 'peaked', 'tied', 'mostly impossible'),
        fc.constantFrom(0.1, 0.7, 1, 3),
        fc.constantFrom(undefined, 1, 7, 300, 10_000),
        // No shares that equal tokens could hold exactly, where rounding decides.
        fc.constantFrom(1, 0.0937, 0.5137, 0.9511, 0.99973),
        fc.constantFrom(0, 0.0217, 0.3),
        (seed, size, kind, temperature, topK, topP, minP) => {
          const uniform = stream(seed);
          const values = Float32Array.from({ length: size }, () => {
            const value = 12 * (uniform() + uniform() + uniform() - 1.5);
            if (kind === 'tied') return Math.round(value);
            if (kind === 'peaked' && uniform() < 0.01) return value + 15;
            return kind === 'mostly impossible' && uniform() < 0.9 ? Number.NEGATIVE_INFINITY : value;
          });
          values[Math.floor(uniform() * size)] = 6.25;
          const decoding = { temperature, topP, minP, ...(topK !== undefined && { topK }) };
          for (let draw = 0; draw < 3; draw++) {
            const u = uniform();
            const token = chooseToken(values, { ...decoding, random: { uniform: () => u } });
            expect(token).toBe(naiveChoice([...values], decoding, u));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('never takes a token that is impossible, even where rounding leaves a remainder', () => {
    // Ten times a tenth taken from the largest number below 1 leaves a little more than nothing.
    const values = new Float32Array(11);
    values[10] = Number.NEGATIVE_INFINITY;
    for (const decoding of [{}, { topK: 11 }, { topP: 1 - 2 ** -53 }]) {
      const random = { uniform: () => 1 - 2 ** -53 };
      expect(chooseToken(values, { ...decoding, random })).toBe(9);
    }
  });

  it.each([
    ['nothing but temperature', { temperature: 1.3 }],
    ['the preset of the paper', { temperature: 0.75, topP: 0.95 }],
    ['top-k', { topK: 5 }],
    ['min-p', { minP: 0.2 }],
    ['all filters', { temperature: 2, topK: 8, topP: 0.7, minP: 0.1 }],
  ])('draws with the frequencies of the filtered distribution: %s', (_name, decoding) => {
    const values = Float32Array.from({ length: 16 }, (_, i) => Math.sin(3 * i) * 2);
    const { ids, probabilities } = filteredDistribution(values, decoding);
    const random = { uniform: stream(2024) };
    const draws = 20_000;
    const counts = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      const token = chooseToken(values, { ...decoding, random });
      counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    expect([...counts.keys()].filter((id) => !ids.includes(id))).toEqual([]);
    const chiSquare = ids.reduce((sum, id, i) => {
      const expected = draws * probabilities[i]!;
      return sum + ((counts.get(id) ?? 0) - expected) ** 2 / expected;
    }, 0);
    // Wilson and Hilferty's approximation of the 99.9 % quantile with k degrees of freedom.
    const k = ids.length - 1;
    expect(chiSquare).toBeLessThan(k * (1 - 2 / (9 * k) + 3.09 * Math.sqrt(2 / (9 * k))) ** 3);
  });
});
