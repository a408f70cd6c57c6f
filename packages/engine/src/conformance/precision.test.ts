import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, type TestContext } from 'vitest';
import { float32, type NDArray } from '../arrays/array.js';
import type { DeviceName } from '../arrays/device-array.js';
import { compile } from '../compile/compile.js';
import { read } from '../compile/place.js';
import { EngineError } from '../error.js';
import type { Precision } from '../graph/target.js';
import { evaluate, maxRelativeDifference } from '../testing.js';
import { trace } from '../trace/trace.js';
import { describeOnDevices, randomArrays } from './devices.js';

/**
 * Runs a function at a precision. Undefined where the device has no products of it, which must be said; the test is
 * skipped where another GPU has them.
 */
async function run<I>(
  context: TestContext,
  device: DeviceName,
  precision: Precision,
  fn: (inputs: never) => Record<string, tf.Tensor>,
  inputs: I,
): Promise<Record<string, NDArray> | undefined> {
  const compiled = compile(fn, { device, precision });
  try {
    return (await read(await compiled(inputs as never))) as Record<string, NDArray>;
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).code).toBe('bad-precision');
    expect((error as EngineError).message).toContain(device);
    const never = device === 'cpu' || device === 'tensorflow' || precision === 'bfloat16';
    // SwiftShader, the software GPU where Mesa is old, has no 16-bit arithmetic: there is nothing to compute with.
    return never ? undefined : context.skip(`the GPU of '${device}' has no ${precision}`);
  } finally {
    compiled.dispose();
  }
}

const product = ({ a, b }: { a: tf.Tensor2D; b: tf.Tensor2D }) => ({
  plain: tf.matMul(a, b),
  left: tf.matMul(a, b, true, false),
  right: tf.matMul(a, b, false, true),
});

describeOnDevices('products in half precision', (device) => {
  it('round what they read and give, and nothing else', async (context) => {
    // 1 + 2^-12 has no float16, 2049 has none either, and the products of what is left are exact.
    const a = float32([2, 2], [1 + 2 ** -12, 2049, 0.5, -3]);
    const b = float32([2, 2], [2, 0, 1, 4]);
    const found = await run(context, device, 'float16', product, { a, b });
    if (found === undefined) return;
    // float16 has 2048 and 2052, and 2050 between them.
    expect(Array.from(found.plain!.data)).toEqual([2050, 8192, -2, -12]);
    const sum = await run(
      context,
      device,
      'float16',
      ({ a }: { a: tf.Tensor2D }) => ({ sum: tf.add(a, a) }),
      { a },
    );
    expect(sum!.sum!.data[0]).toBe(2 + 2 ** -11);
  });

  for (const precision of ['float16', 'bfloat16'] as const) {
    it(`differ from float32 by the rounding of ${precision}, with their gradients`, async (context) => {
      const inputs = randomArrays({ a: [48, 48], b: [48, 48] }, 7);
      const fn = ({ a, b }: { a: tf.Tensor2D; b: tf.Tensor2D }) => {
        const { value, grads } = tf.valueAndGrads((a: tf.Tensor, b: tf.Tensor) => {
          const { plain, left, right } = product({ a: a as tf.Tensor2D, b: b as tf.Tensor2D });
          return tf.mean(tf.add(tf.square(plain), tf.mul(left, right)));
        })([a, b]);
        return { ...product({ a, b }), value, da: grads[0]!, db: grads[1]! };
      };
      const found = await run(context, device, precision, fn, inputs);
      if (found === undefined) return;
      const expected = (await evaluate(fn, inputs)) as Record<string, NDArray>;
      const difference = maxRelativeDifference(found, expected, 10);
      expect(difference).toBeLessThan(precision === 'float16' ? 0.01 : 0.08);
      expect(difference).toBeGreaterThan(1e-5);
    });
  }
});

describe('a graph in half precision', () => {
  const spec = { dtype: 'float32', shape: ['N', 'N'] } as const;
  const specs = { a: spec, b: spec };

  it('rounds a matrix once for all of its products', () => {
    const { graph } = trace(product, specs, { target: 'cuda', precision: 'bfloat16' });
    const rounded = graph.nodes.filter(({ inputs }) => inputs[0] === 'a' || inputs[0] === 'b');
    expect(rounded.map(({ op }) => op)).toEqual(['Cast', 'Cast']);
    const products = graph.nodes.filter(({ op }) => op.endsWith('MatMul'));
    expect(products).toHaveLength(3);
    const names = new Set(rounded.flatMap(({ outputs }) => outputs));
    for (const { inputs } of products) for (const name of inputs) expect(names).toContain(name);
  });

  it('is the graph of before at float32', () => {
    const plain = trace(product, specs, { target: 'cuda' }).graph;
    expect(trace(product, specs, { target: 'cuda', precision: 'float32' }).graph).toEqual(plain);
    expect(plain.nodes.some(({ op }) => op === 'Cast')).toBe(false);
  });
});
