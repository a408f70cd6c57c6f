import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { emptyArray, isNDArray, type NDArray } from '../arrays/array.js';
import { flattenTree, mapTree } from '../arrays/tree.js';
import { randomArrays } from '../conformance/devices.js';
import { int8MatMul, quantizeInt8 } from '../fused/int8-mat-mul.js';
import { recompute } from '../fused/recompute.js';
import { encodeModel } from '../onnx/model.js';
import { Session } from '../onnxruntime/session.js';
import { handleOf } from '../onnxruntime/values.js';
import { evaluate, maxRelativeDifference } from '../testing.js';
import { OUTPUT_PREFIX, trace } from '../trace/trace.js';

/** Runs the graph that is traced for CUDA on the CPU, which has the same operators. */
async function runGraphForCuda(fn: (inputs: never) => object, inputs: object) {
  const arrays = flattenTree(inputs, isNDArray);
  const specs = mapTree(inputs, isNDArray, ({ dtype, shape }) => ({ dtype, shape }));
  const { graph } = trace(fn, specs as never, { target: 'cuda' });
  const results = new Map(
    graph.outputs.map(({ name, type, shape }) => [
      name,
      emptyArray({ dtype: type as 'float32', shape: shape.map(Number) }),
    ]),
  );
  const handles = (named: ReadonlyMap<string, NDArray>) =>
    new Map([...named].map(([name, array]) => [name, handleOf(array)]));
  const session = new Session(encodeModel(graph));
  const used = new Set(graph.inputs.map(({ name }) => name));
  await session.run(handles(new Map([...arrays].filter(([name]) => used.has(name)))), handles(results));
  session.dispose();
  return {
    operators: graph.nodes.map(({ op }) => op),
    results: Object.fromEntries(
      [...results].map(([name, array]) => [name.slice(OUTPUT_PREFIX.length), array]),
    ),
  };
}

it('recomputes for a gradient without a shape that the device computes', async () => {
  type Inputs = Record<'x' | 'w' | 'v', tf.Tensor2D>;
  const layer = ([x, w]: tf.Tensor[]) => tf.tanh(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D));
  const chain = (apply: (inputs: tf.Tensor[]) => tf.Tensor) => (inputs: Inputs) => {
    const loss = (x: tf.Tensor, w: tf.Tensor, v: tf.Tensor) =>
      tf.sum(tf.square(apply([apply([apply([x, w]), v]), w])));
    const [dx, dw, dv] = tf.grads(loss)([inputs.x, inputs.w, inputs.v]);
    return { dx, dw, dv };
  };
  const inputs = randomArrays({ x: [3, 6], w: [6, 6], v: [6, 6] }, 5);
  const { results, operators } = await runGraphForCuda(
    chain((given) => recompute(layer, given)) as never,
    inputs,
  );
  expect(operators).toContain('Where');
  expect(maxRelativeDifference(results, await evaluate(chain(layer), inputs as never))).toBeLessThan(1e-5);
});

it.each(['signed', 'unsigned'] as const)(
  'multiplies by %s 8-bit weights without rounding the left side',
  async (kernel) => {
    const { x, weight } = randomArrays({ x: [5, 16], weight: [8, 16] }, 3);
    const matrix = quantizeInt8(weight, kernel);
    const product = ({
      x,
      ...weights
    }: {
      x: tf.Tensor2D;
      values: tf.Tensor2D;
      scales: tf.Tensor1D;
      zeroPoint: tf.Scalar;
    }) => ({
      y: int8MatMul(x, weights),
    });
    const { results } = await runGraphForCuda(product as never, { x, ...matrix });
    const zero = matrix.zeroPoint?.data[0] ?? 0;
    const expected = Float32Array.from({ length: 5 * 8 }, (_, i) => {
      const [row, column] = [Math.floor(i / 8), i % 8];
      let sum = 0;
      for (let k = 0; k < 16; k++) {
        sum += (x.data[row * 16 + k] as number) * ((matrix.values.data[k * 8 + column] as number) - zero);
      }
      return sum * (matrix.scales.data[column] as number);
    });
    expect(
      maxRelativeDifference(results, { y: { dtype: 'float32', shape: [5, 8], data: expected } }),
    ).toBeLessThan(1e-6);
  },
);
