import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { float32, int32 } from '../arrays/array.js';
import type { DeviceName } from '../arrays/device-array.js';
import { compile } from '../compile/compile.js';
import { tracedKernels } from '../kernels/register.js';
import { inPlaceTest } from '../onnx/aliasing.js';
import { evaluate, maxRelativeDifference } from '../testing.js';
import { trace } from '../trace/trace.js';
import {
  describeOnDevices,
  expectAgreement,
  forRandom,
  randomArrays,
  randomCases,
  withGradients,
} from './devices.js';

type T = tf.Tensor;
type Case = readonly [
  name: string,
  fn: (x: T, y: T) => T,
  options?: { positive?: boolean; gradient?: false; tolerance?: Partial<Record<DeviceName, number>> },
];

/** Operations on two arrays `[2, n, m]`; each is compared in value and, unless it has none, in gradient. */
const cases: readonly Case[] = [
  ['add', (x, y) => tf.add(x, y)],
  ['add, broadcast', (x, y) => tf.add(x, tf.sum(y, [0, 1]))],
  ['sub', (x, y) => tf.sub(x, y)],
  ['mul', (x, y) => tf.mul(x, y)],
  ['mul, broadcast', (x, y) => tf.mul(x, tf.sum(y, 1, true))],
  ['div', (x, y) => tf.div(x, y), { positive: true }],
  ['maximum', (x, y) => tf.maximum(x, y)],
  ['minimum', (x, y) => tf.minimum(x, y)],
  ['pow', (x, y) => tf.pow(x, y), { positive: true }],
  ['squaredDifference', (x, y) => tf.squaredDifference(x, y)],
  ['where', (x, y) => tf.where(tf.greater(x, y), x, tf.mul(y, 2)), { gradient: false }],
  [
    'comparisons',
    (x, y) => tf.cast(tf.logicalAnd(tf.less(x, y), tf.notEqual(x, y)), 'float32'),
    { gradient: false },
  ],
  [
    'or, not',
    (x, y) => tf.cast(tf.logicalNot(tf.logicalOr(tf.lessEqual(x, y), tf.greaterEqual(x, 1))), 'float32'),
    { gradient: false },
  ],
  ['abs', (x) => tf.abs(x)],
  ['exp', (x) => tf.exp(x)],
  ['log', (x) => tf.log(x), { positive: true }],
  ['log1p', (x) => tf.log1p(x), { positive: true }],
  ['neg', (x) => tf.neg(x)],
  ['reciprocal', (x) => tf.reciprocal(x), { positive: true }],
  ['relu', (x) => tf.relu(x)],
  ['rsqrt', (x) => tf.rsqrt(x), { positive: true }],
  ['sigmoid', (x) => tf.sigmoid(x)],
  // WGSL allows sin and cos an error of 2^-11.
  ['sin, cos', (x, y) => tf.add(tf.sin(x), tf.cos(y)), { tolerance: { webgpu: 1e-3 } }],
  ['softplus', (x) => tf.softplus(x)],
  ['sqrt', (x) => tf.sqrt(x), { positive: true }],
  ['square', (x) => tf.square(x)],
  ['tanh', (x) => tf.tanh(x)],
  ['erf', (x) => tf.erf(x)],
  [
    'sign, floor, ceil, round',
    (x) => tf.addN([tf.sign(x), tf.floor(x), tf.ceil(x), tf.round(x)]),
    { gradient: false },
  ],
  ['step', (x) => tf.step(x, 0.25), { gradient: false }],
  ['clip', (x) => tf.clipByValue(x, -0.5, 0.75)],
  ['sum', (x) => tf.sum(x), { positive: true }],
  ['sum of an axis', (x) => tf.sum(x, -1)],
  ['mean', (x) => tf.mean(x, [0, 2], true)],
  ['max', (x) => tf.max(x, 1)],
  ['min', (x) => tf.min(x, 1)],
  ['argMax', (x) => tf.cast(tf.argMax(x, 1), 'float32'), { gradient: false }],
  ['argMin', (x) => tf.cast(tf.argMin(x, -1), 'float32'), { gradient: false }],
  ['prod', (x) => tf.prod(x, 1), { gradient: false }],
  ['softmax', (x) => tf.softmax(x)],
  ['logSoftmax', (x) => tf.logSoftmax(x)],
  ['logSumExp', (x) => tf.logSumExp(x, -1)],
  ['cumsum', (x) => tf.cumsum(x, 2, true, true)],
  ['matMul', (x, y) => tf.matMul(x, tf.transpose(y, [0, 2, 1]))],
  ['matMul, second transposed', (x, y) => tf.matMul(x, y, false, true)],
  ['matMul, first transposed', (x, y) => tf.matMul(x, y, true, false)],
  ['matMul, both transposed', (x, y) => tf.matMul(x, tf.transpose(y, [0, 2, 1]), true, true)],
  ['reshape', (x) => tf.mul(tf.reshape(x, [-1]), tf.range(0, x.size))],
  ['expandDims', (x) => tf.expandDims(x, 1)],
  ['transpose', (x) => tf.transpose(x, [2, 0, 1])],
  ['slice', (x) => tf.slice(x, [1, 0, 0], [1, -1, -1])],
  ['slice of a vector', (x) => tf.slice(tf.reshape(x, [-1]), 1, 1)],
  ['slice to the end', (x) => tf.slice(x, [1])],
  ['split', (x) => tf.mul(...(tf.split(x, 2, 0) as [T, T]))],
  ['concat', (x, y) => tf.concat([x, tf.mul(y, 2), x], 1)],
  ['stack', (x, y) => tf.stack([x, y], 1)],
  ['unstack', (x) => tf.addN(tf.unstack(x, 0).map((part, i) => tf.mul(part, i + 1)))],
  [
    'pad',
    (x) =>
      tf.pad(
        x,
        [
          [0, 0],
          [1, 2],
          [0, 1],
        ],
        0.5,
      ),
  ],
  ['tile', (x) => tf.tile(x, [1, 2, 3])],
  ['zeros, ones, fill', (x) => tf.addN([tf.mul(x, 2), tf.zerosLike(x), tf.onesLike(x), tf.fill(x.shape, 3)])],
  ['gather', (x) => tf.gather(x, tf.tensor1d([1, 0, 1, 1], 'int32'))],
  ['gather of an axis', (x) => tf.gather(x, tf.tensor1d([0, 0], 'int32'), 2), { gradient: false }],
  [
    'gatherND',
    (x) =>
      tf.gatherND(
        x,
        tf.tensor2d(
          [
            [1, 0],
            [0, 0],
          ],
          [2, 2],
          'int32',
        ),
      ),
    { gradient: false },
  ],
  [
    'tensorScatterUpdate',
    (x, y) =>
      tf.tensorScatterUpdate(x, tf.tensor2d([1], [1, 1], 'int32'), tf.slice(y, [0, 0, 0], [1, -1, -1])),
    { gradient: false },
  ],
  ['oneHot', (x) => tf.oneHot(tf.cast(tf.argMax(x, 2), 'int32'), 5), { gradient: false }],
];

describeOnDevices('TensorFlow.js kernels', (device) => {
  it.each(cases.map(([name, fn, options = {}]) => ({ name, fn, options })))(
    '$name',
    async ({ fn, options }) => {
      const value = ({ x, y }: { x: T; y: T }) => fn(x, y);
      const run =
        options.gradient === false
          ? (all: { x: T; y: T }) => ({ value: value(all) })
          : withGradients(value, ['x', 'y']);
      await forRandom({ n: [1, 5], m: [1, 6] }, randomCases(device, 4), async ({ n, m }, seed) => {
        const inputs = randomArrays({ x: [2, n, m], y: [2, n, m] }, seed, options.positive);
        await expectAgreement(device, run, inputs, options.tolerance?.[device]);
      });
    },
  );

  it('int32', async () => {
    const run = ({ a, b }: { a: T; b: T }) => ({
      sums: tf.addN([a, b, tf.mul(a, b), tf.sub(a, b)]),
      extremes: tf.add(tf.max(a, 0), tf.min(b, 0)),
      total: tf.sum(a, -1),
      compared: tf.cast(tf.logicalAnd(tf.less(a, b), tf.greaterEqual(b, a)), 'int32'),
      picked: tf.gather(a, tf.tensor1d([1, 0], 'int32')),
      wide: tf.cast(a, 'float32'),
    });
    const values = (by: number) =>
      int32(
        [2, 3],
        Array.from({ length: 6 }, (_, i) => ((i * by) % 7) - 3),
      );
    await expectAgreement(device, run, { a: values(3), b: values(5) });
  });

  it('adds up rows that are gathered more than once', async () => {
    const run = ({ table, ids }: { table: tf.Tensor2D; ids: tf.Tensor1D }) => {
      const loss = (x: T) => tf.sum(tf.mul(tf.gather(x, ids), tf.reshape(tf.range(0, 8), [4, 2])));
      return { grad: tf.grad(loss)(table) };
    };
    const inputs = { table: float32([3, 2], [1, 2, 3, 4, 5, 6]), ids: int32([4], [2, 0, 2, 2]) };
    const { grad } = await compile(run, { device })(inputs);
    expect(Array.from(grad.data)).toEqual([2, 3, 0, 0, 10, 13]);
  });

  it('adds gathered rows to other gradients of their table, in its own memory too', async () => {
    type Inputs = { table: tf.Tensor2D; ids: tf.Tensor1D; sums: tf.Tensor2D };
    const run = ({ table, ids, sums }: Inputs) => {
      // The rows are also multiplied by the table, as an embedding that is the head is.
      const loss = (x: T) => {
        const rows = tf.gather(x, ids) as tf.Tensor2D;
        return tf.sum(tf.square(tf.matMul(rows, x as tf.Tensor2D, false, true)));
      };
      const tied = tf.grad(loss)(table);
      const alone = tf.grad((x: T) => tf.sum(tf.square(tf.gather(x, ids))))(table);
      return { tied, sums: tf.add(sums, alone), row: tf.add(tf.slice(sums, 0, 1), alone) };
    };
    const inputs = () => ({
      table: float32([3, 2], [1, 2, 3, 4, 5, 6]),
      ids: int32([4], [2, 0, 2, 2]),
      sums: float32([3, 2], [0.5, 1, 1.5, 2, 2.5, 3]),
    });
    const expected = await evaluate(run, inputs());
    const own = inputs();
    const { tied, row } = await compile(run, { device, inPlace: ['sums'] })(own);
    expect(maxRelativeDifference(tied, expected.tied)).toBeLessThan(1e-5);
    expect(maxRelativeDifference(own.sums, expected.sums)).toBeLessThan(1e-6);
    expect(maxRelativeDifference(row, expected.row)).toBeLessThan(1e-6);
  });
});

it('makes no zeros for gathered rows that are added to another gradient', () => {
  const { graph } = trace(
    ({ table, ids, sums }: { table: tf.Tensor2D; ids: tf.Tensor1D; sums: tf.Tensor2D }) => ({
      sums: tf.add(tf.grad((x: T) => tf.sum(tf.square(tf.gather(x, ids))))(table), sums),
    }),
    {
      table: { dtype: 'float32', shape: [1000, 64] },
      ids: { dtype: 'int32', shape: [4] },
      sums: { dtype: 'float32', shape: [1000, 64] },
    },
  );
  const operators = graph.nodes.map(({ op }) => op);
  expect(operators.filter((op) => op === 'ScatterElements')).toHaveLength(1);
  expect(operators).not.toContain('Sub');
  expect(inPlaceTest(graph)('sums', 'out:sums')).toBe(true);
});

it('adds up repeated rows exactly and in one order, at a size that is worth several threads', async () => {
  const [rows, segments, width] = [4096, 64, 256];
  const ids = int32(
    [rows],
    Int32Array.from({ length: rows }, (_, i) => (i * i) % segments),
  );
  const x = float32(
    [rows, width],
    Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i)),
  );
  const exact = new Float64Array(segments * width);
  for (let i = 0; i < rows * width; i++)
    exact[ids.data[Math.floor(i / width)]! * width + (i % width)]! += x.data[i]!;
  const sum = compile((inputs: { ids: tf.Tensor1D; x: tf.Tensor2D }) => ({
    sums: tf.unsortedSegmentSum(inputs.x, inputs.ids, segments),
  }));
  const { sums: first } = await sum({ ids, x });
  const worst = exact.reduce((most, value, i) => Math.max(most, Math.abs(first.data[i]! - value)), 0);
  expect(worst).toBeLessThan(1e-3);
  for (let run = 0; run < 20; run++) expect((await sum({ ids, x })).sums.data).toEqual(first.data);
});

it('lists the kernels that can be traced', () => {
  expect(tracedKernels).toContain('BatchMatMul');
  expect(tracedKernels).not.toContain('Einsum');
});
