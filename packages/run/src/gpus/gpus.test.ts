import { describe, expect, it } from 'vitest';
import { bytesOfGpu, fitsOnGpu, type GpuLoad, secondsOnGpus } from './load.js';
import { describeGpus } from './table.js';
import { GPU_TYPES } from './types.js';

const GB = 1e9;
const named = (name: string) => GPU_TYPES.find((type) => type.name === name)!;

/** A model of 8 and one of 3 billion parameters with AdamW: 4 bytes of weight, 4 of gradient, 8 of moments each. */
const trained = (billions: number): GpuLoad => ({
  weights: 4 * billions * GB,
  gradients: 4 * billions * GB,
  moments: 8 * billions * GB,
  activations: 2.6 * GB,
  cache: 0,
  flop: 6 * billions * GB * 1e9,
  written: 0,
  steps: 100,
});

describe('the memory of one of several GPUs', () => {
  it('is that of all parts, of which ZeRO deals some out', () => {
    const load = trained(8);
    expect(bytesOfGpu(load, 'none', 8) / GB).toBeCloseTo(32 + 32 + 64 + 2.6);
    expect(bytesOfGpu(load, 'zero1', 8) / GB).toBeCloseTo(32 + 32 + 8 + 2.6);
    expect(bytesOfGpu(load, 'zero2', 8) / GB).toBeCloseTo(32 + 32 + 4 + 8 + 2.6);
    for (const sharing of ['none', 'zero1', 'zero2'] as const) {
      expect(bytesOfGpu(load, sharing, 1)).toBe(bytesOfGpu(load, 'none', 1));
    }
  });

  it('holds activations or the cache, which are not there at the same time', () => {
    const load = { ...trained(3), cache: 5 * GB };
    expect(bytesOfGpu(load, 'none', 1) / GB).toBeCloseTo(12 + 12 + 24 + 5);
  });

  it('fits where room is left for the driver and for holes', () => {
    // 0.92 of 78.5 GiB are 77.5 GB.
    expect(fitsOnGpu(77.4 * GB, named('H100 80 GB'))).toBe(true);
    expect(fitsOnGpu(77.7 * GB, named('H100 80 GB'))).toBe(false);
  });

  it('of 3 billion parameters is enough on 80 GB, and of 8 billion with ZeRO-1 on 8 of them', () => {
    const type = named('A100 80 GB');
    const fits = (billions: number, sharing: 'none' | 'zero1' | 'zero2') =>
      fitsOnGpu(bytesOfGpu(trained(billions), sharing, 8), type);
    expect([fits(3, 'none'), fits(3, 'zero1'), fits(3, 'zero2')]).toEqual([true, true, true]);
    expect([fits(8, 'none'), fits(8, 'zero1'), fits(8, 'zero2')]).toEqual([false, true, false]);
  });
});

describe('the time on several GPUs', () => {
  it('is that of operations, texts and sums at parts of the stated rates', () => {
    const load = { ...trained(3), flop: 1e18, written: 1e15 };
    const one = secondsOnGpus(load, named('H100 80 GB'), { gpus: 1, precision: 'bfloat16' });
    expect(one).toBeCloseTo(1e18 / (0.3 * 989.4e12) + 1e15 / (0.5 * 3350e9), 6);
    const eight = secondsOnGpus(load, named('A100 40 GB'), { gpus: 8, precision: 'tf32' });
    const summing = (100 * 2 * (7 / 8) * 12e9) / 300e9;
    expect(eight).toBeCloseTo(1e18 / (8 * 0.4 * 156e12) + 1e15 / (8 * 0.5 * 1555e9) + summing, 6);
  });
});

it('says for each type what fits and how long it takes', () => {
  const adapter = { ...trained(8), gradients: 0.1 * GB, moments: 0.2 * GB };
  const lines = describeGpus({ whole: trained(8), adapter, counts: [8], precision: 'bfloat16' });
  const row = (name: string) => lines.find((line) => line.startsWith(`8 x ${name}`))!;
  expect(lines[0]).toBe(
    'one GPU, all weights: weights 32.0 GB, gradients 32.0 GB, moments 64.0 GB, activations 2.6 GB',
  );
  expect(row('RTX 4090 24 GB').match(/too much/g)).toHaveLength(4);
  expect(row('H100 80 GB')).toMatch(/130\.6 GB: too much +74\.6 GB, .+ +78\.6 GB: too much +34\.9 GB, /);
  expect(row('H200 141 GB')).not.toMatch(/too much.*too much/);
  expect(lines.at(-1)).toContain('not measured');
});
