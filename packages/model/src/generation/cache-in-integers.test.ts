import { float32, int32, type NDArray } from '@gram/engine';
import { evaluate } from '@gram/engine/testing';
import type * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { cacheScales } from '../decoder/cache-scales.js';
import { config, prompts, stream, weights } from './__fixtures__/tiny-model.js';
import { createCachedDecoder } from './cached-decoder.js';
import { createGenerator } from './generator.js';

const exact = createGenerator({ config, weights });
const rounded = createGenerator({ config, weights, cachePrecision: 'int8' });
afterAll(() => {
  for (const generator of [exact, rounded]) generator.dispose();
});

describe('a cache in 8-bit integers', () => {
  const request = (draws: number) =>
    prompts.map((ids, i) => ({
      ids,
      decodings: Array.from({ length: draws }, (_, j) => ({ temperature: 1, random: stream(10 * i + j) })),
    }));

  it('follows a distribution near the exact one, for completions of several lengths that end one after the other', async () => {
    const options = { maxNewTokens: 12, stopIds: [4, 9] };
    const [found, expected] = [
      await rounded.generate(request(3), options),
      await exact.generate(request(3), options),
    ];
    let [same, tokens, changed, largest] = [0, 0, 0, 0];
    for (const [i, completions] of found.entries()) {
      for (const [j, { ids, logProbabilities }] of completions.entries()) {
        const other = expected[i]![j]!;
        // Up to the first other token both continue the same text.
        for (const [at, id] of ids.entries()) {
          tokens++;
          if (id !== other.ids[at]) break;
          same++;
          const apart = Math.abs(logProbabilities[at]! - other.logProbabilities[at]!);
          largest = Math.max(largest, apart);
          if (apart > 1e-5) changed++;
        }
      }
    }
    expect(same / tokens).toBeGreaterThan(0.9);
    expect(largest).toBeLessThan(0.5);
    // Or nothing was rounded.
    expect(changed).toBeGreaterThan(tokens / 4);
  });

  it('is written where it is, and takes a quarter of the memory', async () => {
    const decoder = createCachedDecoder(config, weights, false, { cachePrecision: 'int8' });
    const tokens = int32([1, 3], [1, 2, 3]);
    const asked = { tokens, last: Int32Array.of(2), promptOf: Int32Array.of(0, 0), capacity: 8 };
    const { progress } = await decoder.read(asked, 'winners');
    const newest = { tokens: Int32Array.of(5, 6), positions: Int32Array.of(3, 3) };
    await decoder.advance(progress, newest, 'winners');
    const { keys } = progress.cache['0'] as { keys: NDArray };
    expect(keys.dtype).toBe('int8');
    const { headDim, numKeyValueHeads: groups } = config;
    expect(keys.data.byteLength).toBe(2 * groups * 8 * headDim);
    const at = (position: number) => keys.data.slice(position * headDim, (position + 1) * headDim);
    expect(at(2).some((integer) => integer !== 0)).toBe(true);
    expect(at(3).some((integer) => integer !== 0)).toBe(true);
    expect(at(4).every((integer) => integer === 0)).toBe(true);
    expect(decoder.canExtend(progress)).toBe(false);
    const fewer = await decoder.select(progress, Int32Array.of(1));
    expect((fewer.cache['0'] as { keys: NDArray }).keys.dtype).toBe('int8');
    decoder.end(fewer);
    expect(decoder.executables.flatMap(({ copied }) => copied)).toEqual([]);
    decoder.dispose();
  });

  it('is refused on other devices, by name', () => {
    expect(() => createGenerator({ config, weights, cachePrecision: 'int8', device: 'webgpu' })).toThrow(
      'a cache in int8 is for the CPU, and the device is webgpu',
    );
  });
});

describe('the scales of a cache', () => {
  const scalesOf = async (keys: number[], values: number[], last: number) => {
    const shape = [1, 1, keys.length / 4, 4];
    const fn = (inputs: { keys: tf.Tensor; values: tf.Tensor; last: tf.Tensor }) =>
      cacheScales(
        { keys: inputs.keys as tf.Tensor4D, values: inputs.values as tf.Tensor4D },
        inputs.last as tf.Tensor1D,
      );
    const inputs = { keys: float32(shape, keys), values: float32(shape, values), last: int32([1], [last]) };
    const found = (await evaluate(fn as never, inputs as never)) as Record<'keys' | 'values', NDArray>;
    return { keys: Array.from(found.keys.data), values: Array.from(found.values.data) };
  };

  it('are the lengths of rotated pairs and the largest values, of what is no padding', async () => {
    const keys = [3, 0, 4, 0, 0, 1, 0, -1, 90, 90, 90, 90];
    const values = [1, -2, 0, 0, -3, 1, 0, 0, 90, 90, 90, 90];
    const { keys: k, values: v } = await scalesOf(keys, values, 1);
    const largest = (scales: number[]) =>
      scales.map((scale) => Math.round(10 * (scale * 127 * 0.75) ** 2) / 10);
    expect(largest(k)).toEqual([25, 2, 25, 2]);
    expect(largest(v).slice(0, 2)).toEqual([9, 4]);
    // A feature that is zero throughout has a scale that can be divided by.
    expect(v[2]).toBeGreaterThan(0);
    // Turning the first pair changes nothing.
    const turned = await scalesOf([-4, 0, 3, 0, ...keys.slice(4)], values, 1);
    expect(turned.keys[0]).toBeCloseTo(k[0]!, 6);
  });
});
