import { createRandom } from '@gram/base';
import { compile, float32, quantizeInt4, quantizeInt8 } from '@gram/engine';
import type * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { linear, type Matrix, rowScaledLinear } from './linear.js';

const random = createRandom(4, 'rows');
const [rows, inputs, outputs] = [5, 64, 16];
const sizes = [1000, 1, 0.03, 0, 30];
const x = float32(
  [rows, inputs],
  Float32Array.from({ length: rows * inputs }, (_, i) => sizes[Math.floor(i / inputs)]! * random.normal()),
);
const weight = float32(
  [outputs, inputs],
  Float32Array.from({ length: outputs * inputs }, () => random.normal()),
);

async function product(fn: typeof linear, matrix: object): Promise<number[][]> {
  const run = compile((all: { x: tf.Tensor2D; matrix: Matrix }) => ({ y: fn(all.x, all.matrix) }));
  const { y } = await run({ x, matrix } as never);
  run.dispose();
  return sizes.map((_, row) => Array.from(y.data.subarray(row * outputs, (row + 1) * outputs)));
}

/** The largest error of each row, in parts of the row's own size. */
async function errors(fn: typeof linear, matrix: object): Promise<number[]> {
  const [found, exact] = [await product(fn, matrix), await product(linear, weight)];
  return found.map((row, at) => {
    const largest = Math.max(...exact[at]!.map(Math.abs));
    const off = Math.max(...row.map((value, i) => Math.abs(value - exact[at]![i]!)));
    return off === 0 ? 0 : off / largest;
  });
}

it('an 8-bit product keeps the digits of small rows beside large ones', async () => {
  const matrix = quantizeInt8(weight);
  for (const error of await errors(rowScaledLinear, matrix)) expect(error).toBeLessThan(0.03);
  expect((await errors(linear, matrix))[1]).toBeGreaterThan(0.3);
});

it('other products are as they are', async () => {
  for (const matrix of [weight, quantizeInt4(weight)]) {
    expect(await product(rowScaledLinear, matrix)).toEqual(await product(linear, matrix));
  }
});
