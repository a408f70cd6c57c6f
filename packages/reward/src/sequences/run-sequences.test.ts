import { createRandom } from '@gram/base';
import { labelLogitsOf, type WeightPrecision } from '@gram/model';
import { afterAll, describe, expect, it } from 'vitest';
import { tinyConfig, tinyWeights } from '../__fixtures__/tiny-model.js';
import { createForward, type Forward } from './forward.js';
import { createNumberCache } from './number-cache.js';
import { runSequences } from './run-sequences.js';

const config = tinyConfig('LlamaForCausalLM');
const weights = tinyWeights(config);
const random = createRandom(3, 'sequences');
const ids = (length: number) => Array.from({ length }, () => random.integer(config.vocabSize));

/** Two long beginnings, one of which goes on in two ways, and ends of all lengths. */
function alike(): number[][] {
  const [first, second] = [ids(90), ids(60)];
  const further = [ids(30), ids(20)].map((more) => [...first, ...more]);
  const beginnings = [second, ...further, ...further];
  const many = Array.from({ length: 24 }, (_, i) => [...beginnings[i % 5]!, ...ids(1 + random.integer(25))]);
  return [...many, many[3]!, first, [7]];
}

/** A model that counts what it is asked. */
function counting(precision: WeightPrecision, runCost: number) {
  const head: Parameters<typeof createForward>[2] = (w, states) => labelLogitsOf(config, w, states, [5, 9]);
  const forward = createForward(config, weights, head, { precision });
  const counts = { batches: 0, extended: 0, tokens: 0 };
  const counted: Forward = {
    ...forward,
    runCost,
    batch(inputs, signal) {
      counts.batches++;
      return forward.batch(inputs, signal);
    },
    extend(all, known, cache, signal) {
      counts.extended++;
      counts.tokens += all.length - known;
      return forward.extend(all, known, cache, signal);
    },
  };
  return { forward: counted, counts };
}

const noCache = createNumberCache(0);
const run = (sequences: number[][], forward: Forward, cache = noCache) =>
  runSequences(sequences, forward, { batchTokens: 400, cache }, {});

describe.each(['float32', 'int8'] as const)('%s', (precision) => {
  const cheap = counting(precision, 1);
  const dear = counting(precision, 1e9);
  afterAll(() => {
    for (const { forward } of [cheap, dear]) forward.dispose();
  });

  it('gives the same numbers in batches and one after the other with shared beginnings', async () => {
    const sequences = alike();
    const [apart, together] = [await run(sequences, cheap.forward), await run(sequences, dear.forward)];
    expect(cheap.counts).toMatchObject({ batches: 0, extended: sequences.length - 1 });
    expect(dear.counts.extended).toBe(0);
    const total = sequences.reduce((sum, { length }) => sum + length, 0);
    expect(cheap.counts.tokens).toBeLessThan(0.3 * total);
    // Products of integers round their left side by the range of all rows together, which differ.
    const tolerance = precision === 'float32' ? 1e-5 : 0.2;
    for (const [i, numbers] of together.entries()) {
      for (const [j, number] of numbers.entries()) {
        expect(Math.abs(apart[i]![j]! - number)).toBeLessThan(tolerance * Math.max(1, Math.abs(number)));
      }
    }
    const all = together.flat();
    expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan(1);
  });
});

it('gives each sequence its own numbers where positions turn by the length', async () => {
  const original = 64;
  const ropeScaling = { type: 'dynamic', factor: 2, originalMaxPositionEmbeddings: original } as const;
  const forward = createForward({ ...config, ropeScaling }, weights, (w, states) =>
    labelLogitsOf(config, w, states, [5, 9]),
  );
  const sequences = alike();
  expect(sequences.some(({ length }) => length <= original)).toBe(true);
  // Sharing is cheap, and still not done.
  const together = await run(sequences, { ...forward, runCost: 1 });
  for (const [i, ids] of sequences.entries()) {
    const [alone] = await run([ids], forward);
    for (const [j, number] of alone!.entries()) expect(together[i]![j]).toBeCloseTo(number, 4);
  }
  const unscaled = createForward(config, weights, (w, states) => labelLogitsOf(config, w, states, [5, 9]));
  const [plain] = await run([sequences[0]!], unscaled);
  expect(Math.abs(plain![0]! - together[0]![0]!)).toBeGreaterThan(1e-2);
  for (const each of [forward, unscaled]) each.dispose();
});

describe('what was computed before', () => {
  it('is not computed again, and not mixed up', async () => {
    const { forward, counts } = counting('float32', 1);
    const cache = createNumberCache(100);
    const sequences = alike();
    const expected = await run(sequences, forward);
    const before = counts.extended;
    await run(sequences.slice(0, 10), forward, cache);
    const asked = counts.extended - before;
    expect(await run(sequences, forward, cache)).toHaveLength(sequences.length);
    expect(counts.extended - before).toBe(sequences.length - 1);
    expect(asked).toBe(10);
    for (const [i, numbers] of (await run(sequences, forward, cache)).entries()) {
      for (const [j, number] of numbers.entries()) expect(number).toBeCloseTo(expected[i]![j]!, 4);
    }
    expect(counts.extended - before).toBe(sequences.length - 1);
    forward.dispose();
  });
});

it('stops between two sequences when it is aborted', async () => {
  const { forward, counts } = counting('float32', 1);
  const stop = new AbortController();
  const options = { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) };
  const settings = { batchTokens: 400, cache: noCache };
  await expect(runSequences(alike(), forward, settings, options)).rejects.toThrow('enough');
  expect(counts.extended).toBe(1);
  forward.dispose();
});
