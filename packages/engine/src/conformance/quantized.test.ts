import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { float32, int8, type NDArray } from '../arrays/array.js';
import type { DeviceName } from '../arrays/device-array.js';
import { compile } from '../compile/compile.js';
import { type BlockMatrix, quantizeInt4, quantizeInt8Blocks } from '../fused/block-mat-mul.js';
import { quantizeInt8 } from '../fused/int8-mat-mul.js';
import { type QuantizedTensors, quantizedMatMul } from '../fused/quantized-mat-mul.js';
import { evaluate } from '../testing.js';
import type { SpecTree } from '../trace/spec.js';
import { trace } from '../trace/trace.js';
import { describeOnDevices, expectAgreement, forRandom, randomArrays, randomCases } from './devices.js';

type T = tf.Tensor;
type BlockArrays = BlockMatrix<NDArray<'uint8'>, NDArray<'float32'>>;

const product = ({ x, w }: { x: T; w: QuantizedTensors }) => ({ y: quantizedMatMul(x, w) });

/** The product on a device, with the matrix as a constant if that is its name. */
async function computed(
  device: DeviceName,
  x: NDArray,
  w: BlockArrays,
  constants = ['w'],
): Promise<Float32Array> {
  const run = compile(product, { device, constants });
  const { y } = (await run({ x, w } as never)) as { y: NDArray };
  run.dispose();
  expect(y.shape, 'shape of y').toEqual([...x.shape.slice(0, -1), w.scales.shape[0]]);
  return y.data as Float32Array;
}

/** The weights that a matrix stands for, `[out, in]`, row after row. */
function unpacked({ packed, scales }: BlockArrays): number[] {
  const bytes = Array.from(packed.data);
  const integers =
    packed.shape[2] === 32
      ? bytes.map((byte) => byte - 128)
      : bytes.flatMap((byte) => [(byte & 15) - 8, (byte >> 4) - 8]);
  return integers.map((integer, i) => integer * scales.data[Math.floor(i / 32)]!);
}

/** In float64: each product, and the sum of the weights' magnitudes times the row's largest. */
function exactly(x: NDArray, weights: readonly number[]): { values: number[]; sizes: number[] } {
  const inputs = x.shape.at(-1)!;
  const [values, sizes]: number[][] = [[], []];
  for (let start = 0; start < x.data.length; start += inputs) {
    const row = Array.from(x.data.subarray(start, start + inputs));
    const largest = Math.max(...row.map(Math.abs));
    for (let at = 0; at < weights.length; at += inputs) {
      let [sum, size] = [0, 0];
      for (const [i, value] of row.entries()) {
        sum += value * weights[at + i]!;
        size += largest * Math.abs(weights[at + i]!);
      }
      values!.push(sum);
      sizes!.push(size);
    }
  }
  return { values: values!, sizes: sizes! };
}

/**
 * Checks a product against float64.
 *
 * @param tolerance how far a value may be off, in parts of its terms' magnitudes
 */
function expectProduct(y: Float32Array, x: NDArray, w: BlockArrays, tolerance: number): void {
  const { values, sizes } = exactly(x, unpacked(w));
  expect(y.length).toBe(values.length);
  for (const [i, value] of values.entries()) {
    // Written so that NaN fails.
    expect(Math.abs(y[i]! - value) <= tolerance * sizes[i]! + 1e-30, `${y[i]} for ${value}`).toBe(true);
  }
}

const INT8_KERNELS = ['signed', 'unsigned'] as const;

/** Half a step of 8 bits: how far a value of the left side may move, in parts of the largest in its block. */
const halfStep = 0.5 / 127 + 1e-5;

/** For a left side of whole numbers. On Arm the runtime rounds with a zero point, which does not hold them exactly. */
const exact = process.arch === 'arm64' ? halfStep : 1e-6;

/** A left side that 8 bits hold exactly: whole numbers, and 127 in every block. */
function wholeNumbers(x: NDArray<'float32'>): NDArray<'float32'> {
  return float32(
    x.shape,
    x.data.map((value, i) => (i % 32 === 5 ? 127 : Math.round(65 * value))),
  );
}

describeOnDevices('products with matrices in integers', (device) => {
  const runs = randomCases(device, 8);

  it('int8MatMul rounds as its composition does, and its error is that of 8 bits', async () => {
    await forRandom({ n: [1, 5], i: [2, 40], o: [1, 20] }, runs, async ({ n, i, o }, seed) => {
      const { x, w } = randomArrays({ x: [n, i], w: [o, i] }, seed);
      const fn = (all: { x: T; matrix: QuantizedTensors }) => ({ y: quantizedMatMul(all.x, all.matrix) });
      for (const kernel of INT8_KERNELS) {
        await expectAgreement(device, fn as never, { x, matrix: quantizeInt8(w, kernel) } as never, 1e-4);
      }
      const exact = ({ x: left, w: right }: { x: T; w: T }) => ({
        y: tf.matMul(left as tf.Tensor2D, right as tf.Tensor2D, false, true),
      });
      const [rounded, full] = [
        await evaluate(fn, { x, matrix: quantizeInt8(w) } as never),
        await evaluate(exact, { x, w } as never),
      ];
      // Half a step of each side, on every term.
      const bound = i * ((1.95 * 3.9) / 255 / 2 + (1.95 * 1.95) / 127 / 2) + 1e-3;
      const data = full.y.data as Float32Array;
      for (const [at, value] of (rounded.y.data as Float32Array).entries()) {
        expect(Math.abs(value - data[at]!)).toBeLessThan(bound);
      }
    });
  });

  it.each(INT8_KERNELS)('int8: sums of the largest products are exact with %s weights', async (kernel) => {
    // 255 * 127 twice is more than 16 bits hold; every row and column takes another sign, so that some sums are small.
    const [rows, inputs, outputs] = [7, 80, 33];
    const sign = (i: number) => (i % 3 === 0 ? -1 : 1);
    const x = float32(
      [rows, inputs],
      Float32Array.from({ length: rows * inputs }, (_, i) =>
        (i % inputs) % (1 + Math.floor(i / inputs)) === 0 ? 255 : 0,
      ),
    );
    const w = float32(
      [outputs, inputs],
      Float32Array.from({ length: outputs * inputs }, (_, i) =>
        i % inputs === 0 ? 127 : 127 * sign((i % inputs) + Math.floor(i / inputs)),
      ),
    );
    const matrix = quantizeInt8(w, kernel);
    const { values } = exactly(x, Array.from(w.data));
    for (const constants of [[], ['matrix']]) {
      const run = compile(
        (all: { x: T; matrix: QuantizedTensors }) => ({ y: quantizedMatMul(all.x, all.matrix) }),
        {
          device,
          constants,
        },
      );
      const { y } = (await run({ x, matrix } as never)) as { y: NDArray };
      run.dispose();
      for (const [i, value] of values.entries())
        expect(Math.abs(y.data[i]! - value)).toBeLessThan(0.01 + 1e-6 * Math.abs(value));
    }
  });

  it('int4: the product with the weights that the matrix stands for, exactly where 8 bits hold the left side', async () => {
    const check = async ({ n, blocks, o }: { n: number; blocks: number; o: number }, seed: number) => {
      const random = randomArrays({ x: [n, 32 * blocks], w: [o, 32 * blocks] }, seed);
      const [x, w] = [wholeNumbers(random.x), quantizeInt4(random.w)];
      expectProduct(await computed(device, x, w), x, w, exact);
      expectProduct(await computed(device, x, w, []), x, w, exact);
      const eager = (await evaluate(product as never, { x, w } as never)) as { y: NDArray };
      expectProduct(eager.y.data as Float32Array, x, w, 1e-6);
    };
    await forRandom({ n: [1, 40], blocks: [1, 6], o: [1, 40] }, runs, check);
    // Sizes for which WebGPU has programs of their own: few rows, many rows, and many of a size it cannot cut evenly.
    for (const [n, blocks, o] of [
      [2, 4, 32],
      [40, 8, 64],
      [33, 5, 33],
    ] as const)
      await check({ n, blocks, o }, n);
  });

  it('8-bit blocks: as 4-bit ones, also where all terms of a sum are the largest', async () => {
    const check = async ({ n, blocks, o }: { n: number; blocks: number; o: number }, seed: number) => {
      const random = randomArrays({ x: [n, 32 * blocks], w: [o, 32 * blocks] }, seed);
      const [x, w] = [wholeNumbers(random.x), quantizeInt8Blocks(random.w)];
      expectProduct(await computed(device, x, w), x, w, exact);
      expectProduct(await computed(device, random.x, w), random.x, w, halfStep);
      const eager = (await evaluate(product as never, { x, w } as never)) as { y: NDArray };
      expectProduct(eager.y.data as Float32Array, x, w, 1e-6);
    };
    await forRandom({ n: [1, 40], blocks: [1, 6], o: [1, 40] }, runs, check);
    // 127 * 127 twice is more than half of what 16 bits hold, 255 * 127 twice is more than they hold.
    for (const sign of [1, -1]) {
      for (const rows of [1, 7]) {
        const x = float32([rows, 96], new Float32Array(rows * 96).fill(127));
        const w = quantizeInt8Blocks(float32([40, 96], new Float32Array(40 * 96).fill(sign)));
        expectProduct(await computed(device, x, w), x, w, exact);
      }
    }
  });

  it('int4: any left side is off by half a step of 8 bits at most, whatever its number of axes', async () => {
    await forRandom(
      { b: [1, 3], t: [1, 9], blocks: [1, 5], o: [1, 70] },
      runs,
      async ({ b, t, blocks, o }, seed) => {
        const random = randomArrays({ x: [b, t, 32 * blocks], w: [o, 32 * blocks] }, seed);
        const w = quantizeInt4(random.w);
        expectProduct(await computed(device, random.x, w), random.x, w, halfStep);
      },
    );
  });

  it('int4: blocks of zeros, very large and very small weights, and a left side of zeros', async () => {
    const inputs = 96;
    const scales = [0, 1e30, 1e-30, 1, 1e-42, 0, 3, 1e-3, 0, 0, 0, 0];
    const random = randomArrays({ x: [3, inputs], w: [scales.length / 3, inputs] }, 3);
    const w = quantizeInt4(
      float32(
        random.w.shape,
        random.w.data.map((value, i) => value * scales[Math.floor(i / 32)]!),
      ),
    );
    const x = float32(
      random.x.shape,
      random.x.data.map((value, i) => (i < inputs ? 0 : value)),
    );
    const y = await computed(device, x, w);
    expectProduct(y, x, w, halfStep);
    expect(Array.from(y.subarray(0, 4)).every((value) => value === 0)).toBe(true);
    for (const row of [1, 2]) expect(y[4 * row + 3]! === 0).toBe(true);
  });

  it('int4: graphs of several shapes share one constant matrix, also while they run', async () => {
    const { w: weights, ...xs } = randomArrays({ a: [1, 64], b: [9, 64], c: [2, 3, 64], w: [48, 64] }, 11);
    const w = quantizeInt4(weights);
    const run = compile(product, { device, constants: ['w'] });
    const all = [xs.a, xs.b, xs.c, xs.a, xs.b].map(wholeNumbers);
    const found = await Promise.all(all.map((x) => run({ x, w } as never)));
    run.dispose();
    for (const [i, { y }] of found.entries()) expectProduct(y.data as Float32Array, all[i]!, w, exact);
  });

  it('int4: matrices of the same integers and other scales are not taken for one another', async () => {
    const random = randomArrays({ x: [2, 64], w: [48, 64] }, 12);
    const [x, w] = [wholeNumbers(random.x), quantizeInt4(random.w)];
    const twice = {
      packed: w.packed,
      scales: float32(
        w.scales.shape,
        w.scales.data.map((value) => 2 * value),
      ),
    };
    const both = (all: { x: T; w: QuantizedTensors; twice: QuantizedTensors }) => ({
      one: quantizedMatMul(all.x, all.w),
      two: quantizedMatMul(all.x, all.twice),
    });
    const run = compile(both, { device, constants: ['w', 'twice'] });
    const { one, two } = await run({ x, w, twice } as never);
    run.dispose();
    expectProduct(one.data as Float32Array, x, w, exact);
    expectProduct(two.data as Float32Array, x, twice, exact);
  });
});

it('a 4-bit matrix is one operator of a graph, also where the number of rows is open', () => {
  const scales = { dtype: 'float32', shape: [8, 2] } as const;
  const w = { packed: { dtype: 'uint8', shape: [8, 2, 16] } as const, scales };
  const { graph } = trace(product, { x: { dtype: 'float32', shape: ['B', 'T', 64] }, w });
  expect(graph.nodes.map(({ op }) => op)).toEqual(['MatMulNBits']);
  expect(graph.outputs[0]!.shape).toEqual(['B', 'T', 8]);
});

it('the profile counts the operations of a product with a 4-bit matrix', async () => {
  const { x, w } = randomArrays({ x: [3, 64], w: [5, 64] }, 2);
  const run = compile(product, { constants: ['w'], profile: true });
  await run({ x, w: quantizeInt4(w) } as never);
  expect((await run.profile()).matrixFlop).toBe(2 * 3 * 5 * 64);
});

it('quantizeInt4: the layout, the error of normal weights, and values on the grid exactly', () => {
  const grid = Array.from({ length: 32 }, (_, i) => ((i * 5 + 3) % 16) - 8);
  const { packed, scales } = quantizeInt4(
    float32([1, 64], [...grid.map((q) => q / 4), ...new Array(32).fill(0)]),
  );
  expect(packed.shape).toEqual([1, 2, 16]);
  expect(Array.from(scales.data)).toEqual([0.25, 0]);
  expect(Array.from(packed.data.subarray(0, 2))).toEqual([
    grid[0]! + 8 + 16 * (grid[1]! + 8),
    grid[2]! + 8 + 16 * (grid[3]! + 8),
  ]);
  expect(Array.from(packed.data.subarray(16))).toEqual(new Array(16).fill(0x88));

  const sums = randomArrays(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [i, [64, 512]])), 5);
  const normal = float32(
    [64, 512],
    sums[0]!.data.map((_, i) => Object.values(sums).reduce((sum, { data }) => sum + data[i]!, 0)),
  );
  let [error, size] = [0, 0];
  for (const [i, value] of unpacked(quantizeInt4(normal)).entries()) {
    error += (value - normal.data[i]!) ** 2;
    size += normal.data[i]! ** 2;
  }
  // Without the choice of the scale it is 0.086.
  expect(Math.sqrt(error / size)).toBeLessThan(0.083);
});

it('quantizeInt8Blocks: the layout, whole numbers exactly, and half a step for all others', () => {
  const grid = Array.from({ length: 32 }, (_, i) => 8 * i - 127 + (i % 2));
  const { packed, scales } = quantizeInt8Blocks(
    float32([1, 64], [...grid.map((q) => q / 4), ...new Array(32).fill(0)]),
  );
  expect(packed.shape).toEqual([1, 2, 32]);
  expect(Array.from(scales.data)).toEqual([0.25, 0]);
  expect(Array.from(packed.data)).toEqual([...grid.map((q) => q + 128), ...new Array(32).fill(128)]);
  const { w } = randomArrays({ w: [9, 96] }, 4);
  const rounded = quantizeInt8Blocks(w);
  for (const [i, value] of unpacked(rounded).entries()) {
    expect(Math.abs(value - w.data[i]!)).toBeLessThan(0.501 * rounded.scales.data[Math.floor(i / 32)]!);
  }
  expect(() => quantizeInt8Blocks(float32([2, 33], new Float32Array(66)))).toThrow(
    /33 inputs .* blocks of 32/,
  );
});

it('quantizeInt4 refuses what is not a finite matrix of whole blocks', () => {
  expect(() => quantizeInt4(float32([32], new Float32Array(32)))).toThrow(/float32\[32\].*4-bit/);
  expect(() => quantizeInt4(int8([1, 32], new Int8Array(32)))).toThrow(/int8/);
  expect(() => quantizeInt4(float32([2, 32], new Float32Array(64).fill(Number.NaN, 40)))).toThrow(/row 1/);
  expect(() => quantizeInt4(float32([2, 33], new Float32Array(66)))).toThrow(/33 inputs .* blocks of 32/);
});

it('quantizeInt8: signed and unsigned integers stand for the same values', () => {
  const { w } = randomArrays({ w: [9, 40] }, 4);
  const [signed, unsigned] = INT8_KERNELS.map((kernel) => quantizeInt8(w, kernel));
  expect(signed!.values.dtype).toBe('int8');
  expect(signed!.zeroPoint).toBeUndefined();
  expect(unsigned!.values.dtype).toBe('uint8');
  expect(Array.from(unsigned!.values.data)).toEqual(Array.from(signed!.values.data, (value) => value + 128));
  expect(unsigned!.zeroPoint).toMatchObject({ dtype: 'uint8', shape: [], data: new Uint8Array([128]) });
  expect(unsigned!.scales.data).toEqual(signed!.scales.data);
});

it('a graph that is not made for this processor brings signed weights into the form that is exact everywhere', () => {
  const matrix = (dtype: 'int8' | 'uint8'): SpecTree => ({
    values: { dtype, shape: [32, 8] },
    scales: { dtype: 'float32', shape: [8] },
    ...(dtype === 'uint8' && { zeroPoint: { dtype, shape: [] } }),
  });
  const operators = (dtype: 'int8' | 'uint8', kernel?: 'signed' | 'unsigned') => {
    const specs: SpecTree = { x: { dtype: 'float32', shape: ['B', 32] }, w: matrix(dtype) };
    return trace(product, specs, { int8Kernel: kernel }).graph.nodes.map(({ op }) => op);
  };
  expect(operators('int8', 'signed')).toEqual(['DynamicQuantizeMatMul']);
  expect(operators('uint8', 'signed')).toEqual(['DynamicQuantizeMatMul']);
  expect(operators('uint8')).toEqual(['DynamicQuantizeMatMul']);
  expect(operators('int8')).toContain('Add');
});

it('quantizeInt8 refuses what is not a finite matrix', () => {
  expect(() => quantizeInt8(float32([4], [1, 2, 3, 4]))).toThrow(/float32\[4\]/);
  expect(() => quantizeInt8(float32([1, 2], [1, Number.NaN]))).toThrow(/row 0/);
  expect(Array.from(quantizeInt8(float32([1, 2], [0, 0]), 'signed').values.data)).toEqual([0, 0]);
  expect(() => quantizeInt8(int8([1, 1], [1]))).toThrow(/int8/);
});
