import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { zeros } from '../arrays/array.js';
import { compile } from '../compile/compile.js';
import { emptyArena } from './arena.js';

const layers = 24;

/** Keeps the result of every layer for the gradient. */
const chain = compile(
  ({ x }: { x: tf.Tensor1D }) => {
    const loss = (x: tf.Tensor) => {
      let y = x;
      for (let i = 0; i < layers; i++) y = tf.sin(y);
      return tf.sum(y);
    };
    return { sum: tf.sum(tf.grad(loss)(x)) };
  },
  { maxExecutables: 32 },
);

const resident = () => process.memoryUsage.rss();

it.skipIf(process.platform !== 'linux')('runs that grow end with the memory of the largest', async () => {
  await chain({ x: zeros([1024]) });
  const before = resident();
  const largest = 2 ** 20;
  for (let i = 1; i <= 16; i++) await chain({ x: zeros([(i * largest) / 16]) });
  // 8.5 times as much, if each run had added its own.
  expect(resident() - before).toBeLessThan(2 * layers * largest * 4);
  // And it is less because it is shared, not because nothing was needed.
  expect(resident() - before).toBeGreaterThan(0.5 * layers * largest * 4);
});

it.skipIf(process.platform !== 'linux')('gives back what no run uses, and takes it anew', async () => {
  const size = 2 ** 20;
  const { sum } = await chain({ x: zeros([size]) });
  const before = resident();
  await emptyArena();
  expect(before - resident()).toBeGreaterThan(0.5 * layers * size * 4);
  expect((await chain({ x: zeros([size]) })).sum).toEqual(sum);
});
