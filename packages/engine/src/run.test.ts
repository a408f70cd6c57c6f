import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { float32, int32 } from './arrays/array.js';
import { compile } from './compile/compile.js';

const slow = ({ x }: { x: tf.Tensor2D }) => {
  let y = x;
  for (let i = 0; i < 400; i++) y = tf.mul(tf.matMul(y, x), 1e-3);
  return { y: tf.sum(y) };
};
const big = () => float32([512, 512], new Float32Array(512 * 512).fill(0.01));

it('stops a run when its signal is aborted, and the executable runs again', async () => {
  const run = compile(slow);
  const x = big();
  const started = performance.now();
  await run({ x });
  const whole = performance.now() - started;
  let quickest = Number.POSITIVE_INFINITY;
  // Other work on the machine may slow down any of the tries, but not all.
  for (let attempt = 0; attempt < 8 && quickest > 0.8 * whole; attempt++) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), whole / 10);
    const again = performance.now();
    await expect(run({ x }, { signal: controller.signal })).rejects.toThrow('enough');
    quickest = Math.min(quickest, performance.now() - again);
  }
  expect(quickest).toBeLessThan(0.8 * whole);
  await expect(run({ x }, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  expect(Number.isFinite((await run({ x })).y.data[0])).toBe(true);
  run.dispose();
});

it('says how much memory a run needs that there is not', async () => {
  const outer = compile(({ x }: { x: tf.Tensor1D }) => ({
    y: tf.sum(tf.exp(tf.mul(tf.expandDims(x, 1), tf.expandDims(x, 0)))),
  }));
  // 2 million squared floats: 16 TB.
  const x = float32([2_000_000], new Float32Array(2_000_000));
  await expect(outer({ x })).rejects.toMatchObject({
    code: 'out-of-memory',
    message: expect.stringMatching(/in between about \d{8,} MB/),
    hint: expect.stringContaining('smaller batches'),
  });
  outer.dispose();
});

it('refuses an array that another call is still writing', async () => {
  const add = compile(({ w, x }: { w: tf.Tensor; x: tf.Tensor }) => ({ w: tf.add(w, tf.sum(x)) }), {
    inPlace: ['w'],
  });
  const inputs = { w: float32([2], [1, 2]), x: float32([1_000_000], new Float32Array(1_000_000).fill(1e-6)) };
  const first = add(inputs);
  await expect(add(inputs)).rejects.toMatchObject({
    code: 'bad-state',
    message: expect.stringContaining("'w'"),
  });
  await first;
  await add(inputs);
  expect(inputs.w.data[0]).toBeCloseTo(3, 1);
  add.dispose();
});

it('refuses to be disposed while it runs', async () => {
  const run = compile(slow);
  const x = float32([8, 8], new Float32Array(64));
  await run({ x });
  const running = run({ x });
  expect(() => run.dispose()).toThrow(/still running/);
  await Promise.resolve();
  expect(() => run.dispose()).toThrow(/still running/);
  await running;
  run.dispose();
});

it('measures the time of each operator and counts the work of products', async () => {
  const run = compile(({ x, w }: { x: tf.Tensor2D; w: tf.Tensor2D }) => ({ y: tf.exp(tf.matMul(x, w)) }), {
    profile: true,
  });
  const inputs = {
    x: float32([64, 32], new Float32Array(2048)),
    w: float32([32, 16], new Float32Array(512)),
  };
  for (let i = 0; i < 3; i++) await run(inputs);
  await run({ ...inputs, x: float32([1, 32], new Float32Array(32)) });
  const report = await run.profile();
  expect(report.runs).toBe(4);
  expect(report.matrixFlop).toBe(2 * 32 * 16 * (3 * 64 + 1));
  expect(Object.fromEntries(report.operators.map(({ operator, calls }) => [operator, calls]))).toMatchObject({
    MatMul: 4,
    Exp: 4,
  });
  expect(report.seconds).toBeGreaterThan(0);
  expect(report.shareOfLimit).toBeGreaterThan(0);
  await expect(compile(slow).profile()).rejects.toThrow(/nothing was measured/);
});

it('serves many shapes with one executable where the graph allows it', async () => {
  const dimensions = { x: ['B', 'T'], at: ['N'] };
  const run = compile(
    ({ x, at }: { x: tf.Tensor2D; at: tf.Tensor1D }) => {
      const [rows, columns] = x.shape;
      const flat = tf.reshape(x, [rows * columns]);
      const numbered = tf.add(x, tf.expandDims(tf.range(0, rows * columns, columns), 1));
      return {
        picked: tf.gather(flat, at),
        numbered: tf.reshape(numbered, [columns, rows]),
        mean: tf.div(tf.sum(x), rows * columns),
        zeros: tf.zeros([2 * rows, 3]),
      };
    },
    { dimensions },
  );
  for (const [rows, columns] of [
    [1, 1],
    [2, 5],
    [7, 3],
    // A stand-in of a trace may be a real size as well.
    [211, 2],
  ] as const) {
    const x = float32(
      [rows, columns],
      Array.from({ length: rows * columns }, (_, i) => i),
    );
    const out = await run({ x, at: int32([2], [0, rows * columns - 1]) });
    expect(Array.from(out.picked.data)).toEqual([0, rows * columns - 1]);
    expect(out.numbered.shape).toEqual([columns, rows]);
    expect(out.mean.data[0]).toBeCloseTo((rows * columns - 1) / 2, 3);
    expect(out.zeros.shape).toEqual([2 * rows, 3]);
  }
  expect(run.fixedShapes).toBeUndefined();
  expect(run.executables.map(({ dimensions: names }) => names)).toEqual([['B', 'T', 'N']]);
  run.dispose();
});

it('makes one executable for each shape where the graph depends on sizes', async () => {
  const run = compile(
    ({ x }: { x: tf.Tensor1D }) => ({
      y: tf.mul(x, tf.tensor1d(Array.from({ length: x.size }, (_, i) => i))),
    }),
    { dimensions: { x: ['N'] } },
  );
  for (const n of [2, 3, 2]) {
    const { y } = await run({ x: float32([n], Array(n).fill(1)) });
    expect(Array.from(y.data)).toEqual(Array.from({ length: n }, (_, i) => i));
  }
  expect(run.executables).toHaveLength(2);
  expect(run.executables[0]!.dimensions).toEqual([]);
  expect(run.fixedShapes).toBe('the graph depends on the value of N: a constant that Mul reads');
  run.dispose();
});

it('a profile of products of large matrices comes near the limit', async () => {
  const run = compile(({ x }: { x: tf.Tensor2D }) => ({ y: tf.sum(tf.matMul(tf.matMul(x, x), x)) }), {
    profile: true,
  });
  const x = float32([1024, 1024], new Float32Array(1024 * 1024).fill(1e-3));
  for (let i = 0; i < 4; i++) await run({ x });
  const { shareOfLimit, matrixFlop, seconds } = await run.profile();
  expect(matrixFlop).toBe(4 * 2 * 2 * 1024 ** 3);
  expect(seconds).toBeGreaterThan(0);
  // The products and the limit are timed one after the other: other work on the machine may slow down either of them
  // many times. A wrong unit or count is off by more.
  expect(shareOfLimit).toBeGreaterThan(0.01);
  expect(shareOfLimit).toBeLessThan(50);
});

it('refuses sizes of one name that differ, and names for another rank', async () => {
  const add = ({ x, y }: { x: tf.Tensor; y: tf.Tensor }) => ({ z: tf.add(x, y) });
  const run = compile(add, { dimensions: { x: ['N'], y: ['N'] } });
  const [two, three] = [float32([2], [1, 2]), float32([3], [1, 2, 3])];
  await expect(run({ x: two, y: three })).rejects.toThrow("N is 2, but axis 0 of 'y' has the size 3");
  await expect(run({ x: float32([1, 1], [1]), y: two })).rejects.toThrow(/'x' has the shape \[1,1\]/);
});
