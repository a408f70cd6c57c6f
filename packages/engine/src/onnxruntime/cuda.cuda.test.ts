import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { float32, int32 } from '../arrays/array.js';
import { type AnyArray, DeviceArray, sliceOf } from '../arrays/device-array.js';
import { compile } from '../compile/compile.js';
import { place } from '../compile/place.js';
import { matrixRate } from '../devices/fastest.js';
import { cachedAttention } from '../fused/attention.js';
import { int8MatMul, quantizeInt8 } from '../fused/int8-mat-mul.js';
import { recompute } from '../fused/recompute.js';
import type { Precision } from '../graph/target.js';
import { missingRig, openCudaRig, outsideTheDevice, recordPlacements } from '../testing/cuda-rig.js';

// Kernels compute nothing on the rig: these tests see where memory is, what is copied and who runs an operation.
const size = 64;
const bytes = 4 * size * size;
const matrix = (value = 1) => float32([size, size], new Float32Array(size * size).fill(value));
type Pair = { x: tf.Tensor2D; y: tf.Tensor2D };

describe.skipIf(missingRig)(`CUDA on the rig${missingRig ? ` (${missingRig})` : ''}`, () => {
  const rig = missingRig === undefined ? openCudaRig() : (undefined as never);

  it('keeps arrays on the device and reads them back', async () => {
    let placed!: { x: AnyArray };
    const up = await rig.during(async () => {
      placed = await place({ x: matrix(3) }, 'cuda');
    });
    expect(placed.x).toBeInstanceOf(DeviceArray);
    expect(up).toMatchObject({ copiesToDevice: 1, copiesToHost: 0, wrongCopies: 0, mainThreadUploads: 0 });
    const down = await rig.during(async () => {
      expect((await (placed.x as DeviceArray).read()).data).toEqual(matrix(3).data);
    });
    expect(down).toMatchObject({ copiesToHost: 1, bytesToHost: bytes });
  });

  it('computes on the second of two GPUs, and refuses a third', async () => {
    const product = compile(({ x, y }: Pair) => ({ x: tf.sub(x, tf.matMul(x, y)) }), {
      device: 'cuda:1',
      inPlace: ['x'],
    });
    const second = await place({ x: matrix(), y: matrix() } as { x: AnyArray; y: AnyArray }, 'cuda:1');
    expect((second.x as DeviceArray).device).toBe('cuda:1');
    const counts = await rig.during(() => product(second));
    expect(counts).toMatchObject({ copiesToHost: 0, wrongCopies: 0 });
    expect(counts.launches).toBeGreaterThan(0);
    const first = await place({ x: matrix(), y: matrix() } as { x: AnyArray; y: AnyArray }, 'cuda:0');
    expect((first.x as DeviceArray).device).toBe('cuda');
    await expect(product(first)).rejects.toThrow(/lives on the device 'cuda', the function runs on 'cuda:1'/);
    await expect(place({}, 'cuda:2')).rejects.toThrow(
      /there is no device 'cuda:2': this process sees 2 GPUs/,
    );
    product.dispose();
  });

  it('uploads arrays of the host off the JavaScript thread', async () => {
    const sum = compile(({ x, y }: Pair) => ({ sum: tf.sum(tf.matMul(x, y)) }), { device: 'cuda' });
    const counts = await rig.during(() => sum({ x: matrix(), y: matrix() }));
    expect(counts).toMatchObject({ copiesToDevice: 2, mainThreadUploads: 0, bytesToHost: 4, wrongCopies: 0 });
    sum.dispose();
  });

  it.each([
    ['float32', 0],
    ['tf32', 1],
  ] as const)('multiplies %s without rounding that was not asked for', async (precision, expected) => {
    const product = compile(({ x, y }: Pair) => ({ z: tf.matMul(x, y) }), { device: 'cuda', precision });
    const before = rig.tf32Products();
    await product({ x: matrix(), y: matrix() });
    expect(rig.tf32Products() - before).toBe(expected);
    product.dispose();
  });

  it('updates arrays in their own memory', async () => {
    const update = compile(({ x, y }: Pair) => ({ x: tf.sub(x, tf.mul(y, 0.1)) }), {
      device: 'cuda',
      inPlace: ['x'],
    });
    const arrays = await place({ x: matrix(), y: matrix() } as { x: AnyArray; y: AnyArray }, 'cuda');
    const memory = (arrays.x as DeviceArray).storage;
    await update(arrays);
    const again = await rig.during(() => update(arrays));
    expect((arrays.x as DeviceArray).storage).toBe(memory);
    expect(again).toMatchObject({ bytes: 0, allocations: 0, copiesToHost: 0, bytesOnDevice: 0 });
    update.dispose();
  });

  it('cuts an array without a copy, and writes into its memory', async () => {
    const values = Float32Array.from({ length: size * size }, (_, i) => i);
    const { x } = await place({ x: float32([size, size], values) as AnyArray }, 'cuda');
    const slice = sliceOf(x, 64, [1, 128]) as DeviceArray;
    const counts = await rig.during(async () => {
      expect((await slice.read()).data).toEqual(values.subarray(64, 192));
      await slice.write(float32([1, 128], new Float32Array(128).fill(-1)));
    });
    expect(counts).toMatchObject({ copiesOnDevice: 0, bytesToHost: 512, wrongCopies: 0 });
    const { data } = await (x as DeviceArray).read();
    expect([data[63], data[64], data[191], data[192]]).toEqual([63, -1, -1, 192]);
    (x as DeviceArray).dispose();
    await expect(slice.read()).rejects.toMatchObject({ code: 'disposed' });
  });

  it('leaks nothing over 1,000 steps, with results that stay on the device', async () => {
    const step = compile(
      ({ x, y }: Pair) => ({ x: tf.sub(x, tf.mul(y, 0.1)), mean: tf.mean(x, 0), product: tf.matMul(x, y) }),
      { device: 'cuda', inPlace: ['x'], resident: ['product'] },
    );
    const arrays = await place({ x: matrix(), y: matrix() } as { x: AnyArray; y: AnyArray }, 'cuda');
    const run = async () => {
      const { product } = await step(arrays);
      (product as DeviceArray).dispose();
    };
    for (let i = 0; i < 50; i++) await run();
    const counts = await rig.during(async () => {
      for (let i = 0; i < 1000; i++) await run();
    });
    expect(counts.bytes).toBeLessThanOrEqual(2 * bytes);
    expect(counts).toMatchObject({ copiesToDevice: 0, copiesToHost: 1000, wrongCopies: 0 });
    step.dispose();
  });

  it('gives an array new memory where its old values are still needed', async () => {
    const swap = compile(({ x, y }: Pair) => ({ x: tf.add(y, 1), y: tf.mul(x, 2) }), {
      device: 'cuda',
      inPlace: ['x', 'y'],
    });
    const arrays = await place({ x: matrix(), y: matrix() } as { x: AnyArray; y: AnyArray }, 'cuda');
    const before = [arrays.x, arrays.y].map((array) => (array as DeviceArray).storage);
    await swap(arrays);
    expect((arrays.x as DeviceArray).storage).not.toBe(before[0]);
    swap.dispose();
  });

  it('updates the keys and values of a cache in their own memory', async () => {
    const [batch, heads, groups, dim, room] = [2, 4, 2, 16, 128];
    const cache = () => float32([batch, groups, room, dim], new Float32Array(batch * groups * room * dim));
    const row = (count: number) => float32([batch, 1, count * dim], new Float32Array(batch * count * dim));
    type Step = Record<'query' | 'key' | 'value' | 'positions' | 'pastKeys' | 'pastValues', tf.Tensor>;
    const step = compile(
      ({ query, key, value, positions, pastKeys, pastValues }: Step) => {
        const { mixed, keys, values } = cachedAttention(
          {
            query: query as tf.Tensor3D,
            key: key as tf.Tensor3D,
            value: value as tf.Tensor3D,
            past: { keys: pastKeys as tf.Tensor4D, values: pastValues as tf.Tensor4D },
            positions: positions as tf.Tensor1D,
          },
          { heads, groups },
        );
        return { sum: tf.sum(mixed), pastKeys: keys, pastValues: values };
      },
      { device: 'cuda', inPlace: ['pastKeys', 'pastValues'] },
    );
    const placed = await place({ pastKeys: cache() as AnyArray, pastValues: cache() as AnyArray }, 'cuda');
    const feeds = {
      query: row(heads),
      key: row(groups),
      value: row(groups),
      positions: int32([batch], [3, 5]),
    };
    const memory = (placed.pastKeys as DeviceArray).storage;
    await step({ ...feeds, ...placed } as never);
    const again = await rig.during(() => step({ ...feeds, ...placed } as never));
    expect((placed.pastKeys as DeviceArray).storage).toBe(memory);
    expect(again.bytesOnDevice).toBeLessThan(cache().data.byteLength);
    step.dispose();
  });

  it('multiplies by 8-bit weights where they are', async () => {
    const quantized = quantizeInt8(matrix());
    const seen = recordPlacements();
    const product = compile(
      ({
        x,
        ...weights
      }: {
        x: tf.Tensor2D;
        values: tf.Tensor2D;
        scales: tf.Tensor1D;
        zeroPoint: tf.Scalar;
      }) => ({
        y: int8MatMul(x, weights),
      }),
      { device: 'cuda' },
    );
    await product({ x: matrix(), ...quantized } as never);
    seen.stop();
    product.dispose();
    await settled();
    const placements = seen.read();
    expect(placements.map(({ operator }) => operator)).toContain('MatMul');
    expect(placements.filter(({ provider }) => provider !== 'CUDAExecutionProvider')).toEqual([]);
  });

  it.each(['bool', 'int32'] as const)('moves %s where it is', async (dtype) => {
    const seen = recordPlacements();
    const at = () => tf.tensor2d([1, 0], [2, 1], 'int32');
    const moved = compile(
      ({ x, y }: Pair) => {
        const [a, b] = [x, y].map((z) => tf.cast(tf.greater(z, 0.5), dtype) as tf.Tensor2D) as [
          tf.Tensor2D,
          tf.Tensor2D,
        ];
        const moves = {
          reshaped: tf.reshape(a, [1, -1]),
          transposed: tf.transpose(a),
          cut: tf.slice(a, [1, 1], [2, 2]),
          split: tf.split(a, 2)[1]!,
          joined: tf.concat([a, b], 1),
          stacked: tf.stack([a, b]),
          unstacked: tf.unstack(a)[1]!,
          // The runtime pads no int32 on CUDA, which the README says.
          ...(dtype === 'bool' && {
            padded: tf.pad(a, [
              [1, 0],
              [0, 2],
            ]),
          }),
          tiled: tf.tile(a, [2, 1]),
          gathered: tf.gather(a, tf.tensor1d([1, 0], 'int32')),
          picked: tf.gatherND(a, at()),
          chosen: tf.where(tf.greater(x, y), a, b),
          filled: tf.logicalOr(tf.cast(tf.onesLike(a), 'bool'), tf.cast(tf.zerosLike(b), 'bool')),
        };
        return Object.fromEntries(
          Object.entries(moves).map(([name, value]) => [name, tf.sum(tf.cast(value, 'float32'))]),
        );
      },
      { device: 'cuda' },
    );
    await moved({ x: matrix(), y: matrix(2) });
    seen.stop();
    moved.dispose();
    await settled();
    const placements = seen.read();
    expect(placements.length).toBeGreaterThan(10);
    expect(outsideTheDevice(placements)).toEqual([]);
  });

  it.each<Precision>(['float32', 'bfloat16', 'float16'])(
    'computes a gradient with recomputation in %s without stopping for the host',
    async (precision) => {
      const seen = recordPlacements();
      const layer = ([x, y]: tf.Tensor[]) => tf.tanh(tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D));
      const gradient = compile(
        ({ x, y }: Pair) => ({
          y: tf.sub(y, tf.grad((w: tf.Tensor) => tf.sum(recompute(layer, [recompute(layer, [x, w]), w])))(y)),
        }),
        { device: 'cuda', inPlace: ['y'], precision },
      );
      const arrays = await place({ x: matrix(), y: matrix() } as { x: AnyArray; y: AnyArray }, 'cuda');
      await gradient(arrays);
      const again = await rig.during(() => gradient(arrays));
      expect(again).toMatchObject({ copiesToHost: 0, copiesToDevice: 0, bytes: 0 });
      seen.stop();
      gradient.dispose();
      await settled();
      expect(seen.read().filter(({ provider }) => provider !== 'CUDAExecutionProvider')).toEqual([]);
    },
  );

  it('takes memory for the largest shapes once, for all sessions together', async () => {
    const products = [1, 2, 3].map((count) =>
      compile(
        ({ x }: { x: tf.Tensor2D }) => {
          let y: tf.Tensor = x;
          for (let i = 0; i < count; i++)
            y = tf.tanh(tf.matMul(tf.matMul(x, y as tf.Tensor2D, false, true), x));
          return { y: tf.sum(y) };
        },
        { device: 'cuda', dimensions: { x: ['B', null] } },
      ),
    );
    const run = async (rows: number) => {
      const { x } = await place(
        { x: float32([rows, size], new Float32Array(rows * size)) as AnyArray },
        'cuda',
      );
      for (const product of products) await product({ x } as never);
      (x as DeviceArray).dispose?.();
    };
    const rows = Array.from({ length: 20 }, (_, i) => 40 + ((i * 67) % 400));
    for (const each of rows) await run(each);
    const first = rig.counts().bytes;
    for (let epoch = 0; epoch < 9; epoch++) for (const each of rows) await run(each);
    expect(rig.counts().bytes).toBe(first);
    for (const product of products) product.dispose();
  });

  it('is not trusted with products that are wrong', async () => {
    await expect(matrixRate('cuda', { size: 64, runs: 1 })).rejects.toMatchObject({
      code: 'device-unavailable',
      message: expect.stringMatching(/'cuda' computes wrong products: a sum is /),
    });
  });
});

/** Waits until disposed sessions have ended and written their profiles. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
