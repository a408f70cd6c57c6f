import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseToken, filteredDistribution, logProbability } from './sampling.js';

/** The definition, step by step: sort everything, cut, divide. */
function naive(logits: readonly number[], temperature: number, topK: number, topP: number) {
  const weights = logits.map((logit) => Math.exp((logit - Math.max(...logits)) / temperature));
  let order = weights.map((_, i) => i).sort((a, b) => weights[b]! - weights[a]! || a - b);
  order = order.slice(0, topK);
  const sum = order.reduce((total, i) => total + weights[i]!, 0);
  const kept: number[] = [];
  let share = 0;
  for (const i of order) {
    if (kept.length > 0 && topP < 1 && share >= topP) break;
    kept.push(i);
    share += weights[i]! / sum;
  }
  return new Map(kept.map((i) => [i, weights[i]! / sum / share]));
}

/** Away from each other, so that rounding can not decide which token is the last one kept. */
const logits = fc
  .uniqueArray(fc.integer({ min: -400, max: 400 }), { minLength: 1, maxLength: 40 })
  .map((values) => Float32Array.from(values, (value) => value / 60));

describe('filteredDistribution', () => {
  it('follows the definition of temperature, top-k and nucleus', () => {
    fc.assert(
      fc.property(
        logits,
        fc.double({ min: 0.2, max: 3, noNaN: true }),
        fc.integer({ min: 1, max: 45 }),
        fc.constantFrom(0.1, 0.5, 0.8, 0.95, 0.999, 1),
        (values, temperature, topK, topP) => {
          const { ids, probabilities } = filteredDistribution(values, { temperature, topK, topP });
          const expected = naive([...values], temperature, topK, topP);
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

describe('chooseToken', () => {
  it.each([
    ['nothing but temperature', { temperature: 1.3 }],
    ['the preset of the paper', { temperature: 0.75, topP: 0.95 }],
    ['top-k', { topK: 5 }],
    ['all filters', { temperature: 2, topK: 8, topP: 0.7 }],
  ])('draws with the frequencies of the filtered distribution: %s', (_name, decoding) => {
    const values = Float32Array.from({ length: 16 }, (_, i) => Math.sin(3 * i) * 2);
    const { ids, probabilities } = filteredDistribution(values, decoding);
    let state = 2024;
    const random = {
      uniform: () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
      },
    };
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

describe('logProbability', () => {
  it('is the logarithm of the softmax, without overflow', () => {
    expect(logProbability(Float32Array.of(0, 0), 1)).toBeCloseTo(-Math.log(2), 12);
    expect(logProbability(Float32Array.of(1e4, 1e4 - 1), 0)).toBeCloseTo(-Math.log(1 + Math.exp(-1)), 6);
  });
});
