import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { float32, int32, type NDArray, scalar } from '../arrays/array.js';
import type { DeviceName } from '../arrays/device-array.js';
import { evaluate, maxRelativeDifference } from '../testing.js';
import { type Arrays, compile } from './compile.js';

type Regression = { w: tf.Tensor2D; x: tf.Tensor2D; y: tf.Tensor2D };

const regression = ({ w, x, y }: Regression) => {
  const { value, grad } = tf.valueAndGrad((weights: tf.Tensor2D) =>
    tf
      .matMul(x as tf.Tensor2D, weights as tf.Tensor2D)
      .sub(y)
      .square()
      .mean(),
  )(w);
  return { w: w.sub(grad.mul(0.1)), loss: value };
};

const data = (): Arrays<Regression> => ({
  w: float32([2, 1], [0, 0]),
  x: float32([3, 2], [1, 2, 3, 4, 5, 6]),
  y: float32([3, 1], [1, 2, 3]),
});

describe('compile', () => {
  it('computes what TensorFlow.js computes, gradients included', async () => {
    const traced = await compile(regression)(data());
    const eager = await evaluate(regression, data());
    expect(maxRelativeDifference(traced, eager)).toBeLessThan(1e-6);
  });

  it('updates arrays in place and leaves them out of the outputs', async () => {
    const inputs = data();
    const { buffer } = inputs.w.data;
    const expected = await evaluate(regression, data());
    const step = compile(regression, { inPlace: ['w'] });
    const outputs = await step(inputs);
    expect(Object.keys(outputs)).toEqual(['loss']);
    expect(inputs.w.data.buffer).toBe(buffer);
    expect(maxRelativeDifference({ w: inputs.w }, { w: expected.w })).toBeLessThan(1e-6);
  });

  it('updates some rows of an array in place, without a copy of the others', async () => {
    const put = compile(
      ({ all, rows, at }: { all: tf.Tensor2D; rows: tf.Tensor2D; at: tf.Tensor2D }) => {
        const next = tf.tensorScatterUpdate(all, at, rows);
        return { all: next, sum: tf.sum(next) };
      },
      { inPlace: ['all'] },
    );
    const all = float32([3, 2], [1, 2, 3, 4, 5, 6]);
    const { sum } = await put({ all, rows: float32([1, 2], [30, 40]), at: int32([1, 1], [1]) });
    expect(Array.from(all.data)).toEqual([1, 2, 30, 40, 5, 6]);
    expect(sum.data[0]).toBe(84);
    expect(put.executables[0]?.copied).toEqual([]);
  });

  it('copies a result whose input is still needed after it, and says so', async () => {
    // `b` reads the old `a` but nothing makes it run before the new `a` is written.
    const swap = compile(
      ({ a, b }: { a: tf.Tensor; b: tf.Tensor }) => ({ a: tf.add(b, 1), b: tf.mul(a, 2) }),
      {
        inPlace: ['a', 'b'],
      },
    );
    const inputs = { a: float32([2], [1, 2]), b: float32([2], [10, 20]) };
    await swap(inputs);
    expect(Array.from(inputs.a.data)).toEqual([11, 21]);
    expect(Array.from(inputs.b.data)).toEqual([2, 4]);
    expect(swap.executables[0]?.copied).toEqual(['a', 'b']);
  });

  it('compiles once for each set of shapes and forgets the oldest', async () => {
    const double = compile(({ x }: { x: tf.Tensor }) => ({ y: tf.mul(x, 2) }), { maxExecutables: 2 });
    for (const n of [1, 2, 1, 2]) await double({ x: float32([n], Array(n).fill(1)) });
    expect(double.executables).toHaveLength(2);
    const { y } = await double({ x: float32([3], [1, 2, 3]) });
    expect(Array.from(y.data)).toEqual([2, 4, 6]);
    expect(double.executables).toHaveLength(2);
    double.dispose();
  });

  it('keeps executables that are running when it makes room', async () => {
    const sum = compile(({ x }: { x: tf.Tensor }) => ({ y: tf.sum(tf.exp(x)) }), { maxExecutables: 1 });
    const sizes = [300_000, 200_000, 100_000];
    const runs = sizes.map((n) => sum({ x: float32([n], new Float32Array(n)) }));
    const results = await Promise.all(runs);
    expect(results.map(({ y }) => y.data[0])).toEqual(sizes);
    sum.dispose();
  });

  it('runs off the JavaScript thread', async () => {
    const heavy = compile(({ x }: { x: tf.Tensor }) => {
      let y = x as tf.Tensor2D;
      for (let i = 0; i < 40; i++) y = tf.matMul(y, x as tf.Tensor2D).mul(1e-3);
      return { y: tf.sum(y) };
    });
    const x = float32([512, 512], new Float32Array(512 * 512).fill(0.01));
    await heavy({ x });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await heavy({ x });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });

  it('packs constants, or reads them where they are', async () => {
    const product = ({ x, w }: { x: tf.Tensor2D; w: tf.Tensor2D }) => ({ y: tf.matMul(x, w, false, true) });
    const random = (seed: number, shape: [number, number]) =>
      float32(shape, tf.randomNormal(shape, 0, 1, 'float32', seed).dataSync() as Float32Array);
    const x = random(1, [3, 96]);
    const w = random(2, [80, 96]);
    const { y: expected } = await evaluate(product, { x, w });
    for (const prepack of [true, false]) {
      const constant = float32(w.shape, w.data.slice());
      const run = compile(product, { constants: ['w'], prepack });
      const { y } = await run({ x, w: constant });
      expect(maxRelativeDifference(y, expected)).toBeLessThan(1e-5);
      // Constants must not change: that a change is not seen shows that the values were packed.
      (constant.data as Float32Array).fill(0);
      const { y: after } = await run({ x, w: constant });
      expect(after.data.every((value) => value === 0)).toBe(!prepack);
      run.dispose();
    }
  });

  it('returns inputs, constants and one value under two names', async () => {
    const odd = compile(({ x }: { x: tf.Tensor }) => {
      const y = tf.mul(x, 3);
      return { same: x, constant: tf.tensor1d([1, 2]), first: y, second: y };
    });
    const out = await odd({ x: float32([2], [1, 2]) });
    expect(Array.from(out.same.data)).toEqual([1, 2]);
    expect(Array.from(out.constant.data)).toEqual([1, 2]);
    expect(Array.from(out.first.data)).toEqual([3, 6]);
    expect(Array.from(out.second.data)).toEqual([3, 6]);
  });
});

it("chooses a device with 'auto', and refuses one that there is not", async () => {
  const triple = (device: DeviceName | 'auto') =>
    compile(({ x }: { x: tf.Tensor }) => ({ y: tf.mul(x, 3) }), { device });
  const { y } = await triple('auto')({ x: float32([2], [1, 2]) });
  expect(Array.from(y.data)).toEqual([3, 6]);
  await expect(triple('tpu' as 'cpu')({ x: scalar(1) })).rejects.toMatchObject({
    code: 'unknown-device',
    hint: "use 'cpu', 'webgpu', 'cuda', 'tensorflow' or 'auto'",
  });
});

describe('errors', () => {
  it('names the kernel without a mapping and the operation that asked for it', async () => {
    const fft = compile(({ x }: { x: tf.Tensor }) => ({ y: tf.einsum('i,i->', x, x) }));
    await expect(fft({ x: float32([2], [1, 2]) })).rejects.toMatchObject({
      code: 'unmapped-kernel',
      message: expect.stringMatching(/'Einsum'.*tf\.einsum/),
    });
  });

  it('refuses to read a traced value', async () => {
    const read = compile(({ x }: { x: tf.Tensor }) => ({ y: tf.scalar(x.dataSync()[0]!) }));
    await expect(read({ x: scalar(1) })).rejects.toMatchObject({ code: 'traced-value-read' });
  });

  it('refuses a tensor from outside', async () => {
    await tf.setBackend('cpu');
    const outside = tf.scalar(1);
    const add = compile(({ x }: { x: tf.Tensor }) => ({ y: tf.add(x, outside) }));
    await expect(add({ x: scalar(1) })).rejects.toMatchObject({ code: 'bad-state' });
    expect(tf.getBackend()).toBe('cpu');
  });

  it('refuses a result in place that does not fit its input', async () => {
    const grow = compile(({ x }: { x: tf.Tensor }) => ({ x: tf.concat([x, x]) }), { inPlace: ['x'] });
    await expect(grow({ x: float32([1], [1]) })).rejects.toMatchObject({ code: 'bad-state' });
  });

  it('refuses data that does not fill the shape', () => {
    expect(() => int32([2, 2], [1, 2, 3])).toThrow(/holds 4 elements, the data has 3/);
  });

  it('refuses a leaf that is not an array', async () => {
    const identity = compile(({ x }: { x: tf.Tensor }) => ({ x }));
    await expect(identity({ x: 1 as unknown as NDArray })).rejects.toMatchObject({ code: 'bad-tree' });
  });

  it('passes on what the runtime refuses', async () => {
    const bad = compile(({ x, i }: { x: tf.Tensor; i: tf.Tensor }) => ({
      y: tf.gather(x, i as tf.Tensor1D),
    }));
    await expect(bad({ x: float32([2], [1, 2]), i: int32([1], [7]) })).rejects.toMatchObject({
      code: 'runtime',
      message: expect.stringContaining('out of'),
    });
  });
});
