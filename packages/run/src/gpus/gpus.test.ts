import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesOfGpu,
  fitsOnGpu,
  type GpuLoad,
  type GradientSum,
  type Sharing,
  secondsOnGpus,
} from './load.js';
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
  sums: [sumOf([4 * billions * GB])],
});

/** Sums of 100 steps with 64 examples in micro-batches of 4, of which 8 GPUs have 2 each; backward passes take no time. */
function sumOf(groups: readonly number[], flop = 0): GradientSum {
  return { groups, steps: 100, examples: 64, rows: 4, flop };
}

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
  const [h100, a100] = [named('H100 80 GB'), named('A100 40 GB')];

  it('is that of operations, texts and sums at parts of the stated rates', () => {
    const load = { ...trained(3), flop: 1e18, written: 1e15 };
    const one = secondsOnGpus(load, h100, { gpus: 1, precision: 'bfloat16', sharing: 'none' });
    expect(one).toBeCloseTo(1e18 / (0.3 * 989.4e12) + 1e15 / (0.5 * 3350e9), 6);
    const eight = secondsOnGpus(load, a100, { gpus: 8, precision: 'tf32', sharing: 'none' });
    const summing = (100 * 2 * (7 / 8) * 12e9) / 300e9;
    expect(eight).toBeCloseTo(1e18 / (8 * 0.4 * 156e12) + 1e15 / (8 * 0.5 * 1555e9) + summing, 6);
  });

  /** Seconds that 8 H100 wait in each step of a run with some sums. */
  const waiting = (sums: readonly GradientSum[], sharing: Sharing) =>
    secondsOnGpus({ ...trained(3), flop: 0, sums }, h100, { gpus: 8, precision: 'bfloat16', sharing }) / 100;
  /** Seconds of a reduce-scatter or an all-gather of 12 GB. */
  const half = ((7 / 8) * 12e9) / 450e9;

  it('is that of the traffic of each mode where backward passes take none', () => {
    const sums = [sumOf([6e9, 6e9])];
    expect(waiting(sums, 'none')).toBeCloseTo(2 * half, 9);
    expect(waiting(sums, 'zero1')).toBeCloseTo(2 * half, 9);
    // Two micro-batches, and the weights.
    expect(waiting(sums, 'zero2')).toBeCloseTo(3 * half, 9);
    expect(waiting([...sums, ...sums], 'none')).toBeCloseTo(4 * half, 9);
  });

  it('has the sum of the last group, and the weights, where backward passes take long', () => {
    const sums = [sumOf([5e9, 4e9, 3e9], 1e20)];
    expect(waiting(sums, 'none')).toBeCloseTo((2 * half) / 4, 9);
    expect(waiting(sums, 'zero1')).toBeCloseTo(half / 4 + half, 9);
    expect(waiting(sums, 'zero2')).toBeCloseTo(2 * (half / 4) + half, 9);
  });

  it('waits for the group whose gradients and those behind it come too late', () => {
    // G[k] is the share of all bytes in the first k groups, B the time of the backward pass, S that of all sums. Sums end at the
    // largest B G[k] + S (1 - G[k - 1]) over k, and what is waited for is that less B.
    const sizes = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 16 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 1000 }), (groups, millis) => {
        const all = groups.reduce((sum, group) => sum + group, 0);
        const bytes = groups.map((group) => (12e9 * group) / all);
        const rate = 0.3 * 989.4e12;
        // A sixteenth of the examples of a step is in a micro-batch.
        const backward = millis / 1000;
        const flop = 100 * 16 * backward * rate;
        const behind = groups.map((_, k) => groups.slice(k).reduce((sum, group) => sum + group, 0) / all);
        const late = groups.map((group, k) => {
          const known = 1 - behind[k]! + group / all;
          return backward * known + 2 * half * behind[k]!;
        });
        expect(waiting([sumOf(bytes, flop)], 'none')).toBeCloseTo(Math.max(...late) - backward, 9);
      }),
    );
  });

  it('cuts micro-batches that would leave GPUs without one', () => {
    // Eight examples on 8 GPUs are one each, whatever a micro-batch may hold.
    const step = (rows: number) => waiting([{ ...sumOf([6e9, 6e9], 1e17), examples: 8, rows }], 'zero2');
    expect(step(8)).toBeCloseTo(step(1), 12);
    expect(step(8)).toBeLessThan(2 * half);
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
