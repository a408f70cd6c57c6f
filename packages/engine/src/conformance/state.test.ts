import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { float32, int32, type NDArray, scalar } from '../arrays/array.js';
import { DeviceArray } from '../arrays/device-array.js';
import { compile } from '../compile/compile.js';
import { place, read } from '../compile/place.js';
import { evaluate, maxRelativeDifference } from '../testing.js';
import { describeOnDevices, randomArrays } from './devices.js';

type Step = { w: tf.Tensor2D; m: tf.Tensor2D; x: tf.Tensor2D; y: tf.Tensor2D };

/** Gradient descent with momentum on a small regression. */
const descend = ({ w, m, x, y }: Step) => {
  const { value, grad } = tf.valueAndGrad((weights: tf.Tensor2D) =>
    tf.matMul(x, weights).sub(y).square().mean(),
  )(w);
  const next = tf.add(tf.mul(m, 0.5), grad);
  return { w: tf.sub(w, tf.mul(next, 0.05)), m: next, loss: value };
};

describeOnDevices('state', (device) => {
  const data = randomArrays({ x: [8, 3], y: [8, 2] }, 3);
  const start = () => ({ w: float32([3, 2], new Float32Array(6)), m: float32([3, 2], new Float32Array(6)) });

  it('stays on the device between steps and is what it would be on the host', async () => {
    const step = compile(descend, { device, inPlace: ['w', 'm'] });
    const placed = await place(start(), device);
    const host = start();
    let expected: { w: NDArray; m: NDArray } = start();
    for (let i = 0; i < 5; i++) {
      const { loss } = await step({ ...placed, ...data });
      const again = await step({ ...host, ...data });
      const {
        w,
        m,
        loss: want,
      } = (await evaluate(descend, { ...expected, ...data })) as Record<string, NDArray>;
      expected = { w: w!, m: m! };
      expect(loss.data[0]).toBeCloseTo(want!.data[0]!, 5);
      expect(again.loss.data[0]).toBeCloseTo(want!.data[0]!, 5);
    }
    expect(placed.w instanceof DeviceArray, 'place of w').toBe(device !== 'cpu');
    expect(maxRelativeDifference(await read(placed), expected)).toBeLessThan(1e-5);
    expect(maxRelativeDifference(host, expected)).toBeLessThan(1e-5);
    step.dispose();
  });

  it('results under a resident name are inputs of other functions without a trip to the host', async () => {
    const square = compile(({ x }: { x: tf.Tensor }) => ({ y: tf.mul(x, x), n: tf.sum(x) }), {
      device,
      resident: ['y'],
    });
    const add = compile(({ y }: { y: tf.Tensor }) => ({ z: tf.add(y, 1) }), { device });
    const { y, n } = await square({ x: float32([3], [1, 2, 3]) });
    expect(y instanceof DeviceArray, 'place of y').toBe(device !== 'cpu');
    expect(n.data[0]).toBe(6);
    expect(Array.from((await add({ y })).z.data)).toEqual([2, 5, 10]);
    for (const compiled of [square, add]) compiled.dispose();
  });

  it('constants are placed once, and other arrays in their place are refused', async () => {
    const scale = compile(({ w, x }: { w: tf.Tensor; x: tf.Tensor }) => ({ y: tf.mul(w, x) }), {
      device,
      constants: ['w'],
    });
    const w = float32([2], [3, 4]);
    for (const x of [1, 2]) {
      const { y } = await scale({ w, x: scalar(x) });
      expect(Array.from(y.data)).toEqual([3 * x, 4 * x]);
    }
    // Calls that are the first at the same time share what they make.
    const together = compile(({ w: a, x }: { w: tf.Tensor; x: tf.Tensor }) => ({ y: tf.add(a, x) }), {
      device,
      constants: ['w'],
    });
    const sums = await Promise.all([1, 2, 3].map((x) => together({ w, x: scalar(x) })));
    expect(sums.map(({ y }) => Array.from(y.data))).toEqual([
      [4, 5],
      [5, 6],
      [6, 7],
    ]);
    expect(together.executables).toHaveLength(1);
    together.dispose();
    await expect(scale({ w: float32([2], [3, 4]), x: scalar(1) })).rejects.toMatchObject({
      code: 'bad-state',
    });
    scale.dispose();
  });

  it('a constant that a later call leaves out is missed', async () => {
    const sum = compile(
      ({ w, x }: { w: Readonly<Record<string, tf.Tensor>>; x: tf.Tensor }) => ({
        y: tf.addN([...Object.values(w), x]),
      }),
      { device, constants: ['w'] },
    );
    const [a, b, x] = [scalar(1), scalar(2), scalar(4)];
    const { y } = await sum({ w: { a, b }, x });
    expect(y.data[0]).toBe(7);
    await expect(sum({ w: { a }, x })).rejects.toMatchObject({ code: 'bad-state' });
    await expect(sum({ w: { b }, x })).rejects.toMatchObject({ code: 'bad-state' });
    sum.dispose();
  });

  it('placed arrays keep their type, and a disposed one says so', async () => {
    const { i, b } = await place({ i: int32([2], [7, -8]), b: float32([1], [2.5]) }, device);
    const back = (await read({ i, b })) as Record<string, NDArray>;
    expect(back.i).toMatchObject({ dtype: 'int32', shape: [2] });
    expect(Array.from(back.i!.data)).toEqual([7, -8]);
    if (!(b instanceof DeviceArray)) return;
    b.dispose();
    await expect(b.read()).rejects.toMatchObject({ code: 'disposed' });
  });

  it('runs several calls at once', async () => {
    const run = compile(({ x }: { x: tf.Tensor2D }) => ({ y: tf.sum(tf.matMul(x, x)) }), { device });
    const inputs = Array.from({ length: 6 }, (_, i) => float32([40, 40], new Float32Array(1600).fill(i)));
    const outputs = await Promise.all(inputs.map((x) => run({ x })));
    expect(outputs.map(({ y }) => y.data[0])).toEqual(inputs.map((_, i) => 64_000 * i * i));
    run.dispose();
  });

  it('leaks nothing over 1,000 steps', async () => {
    const step = compile(descend, { device, inPlace: ['w', 'm'] });
    const placed = await place(start(), device);
    await step({ ...placed, ...data });
    const before = tf.memory().numTensors;
    const steps = device === 'webgpu' ? 200 : 1000;
    for (let i = 0; i < steps; i++) await step({ ...placed, ...data });
    expect(tf.memory().numTensors).toBe(before);
    step.dispose();
  });
});
