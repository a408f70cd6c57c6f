import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { zeros } from '../arrays/array.js';
import { compile } from '../compile/compile.js';

const layers = 24;
const resident = () => process.memoryUsage.rss();

it.skipIf(process.platform !== 'linux')(
  'gradients of weights are taken on the way back, not after it',
  async () => {
    const [rows, width] = [2 ** 15, 64];
    const names = Array.from({ length: layers }, (_, i) => `w${i}`);
    const run = compile(({ x, ...weights }: { x: tf.Tensor2D; [name: string]: tf.Tensor }) => {
      const loss = (...ws: tf.Tensor[]) => {
        let y: tf.Tensor = x;
        for (const w of ws) y = tf.tanh(tf.matMul(y, w));
        return tf.sum(y);
      };
      const grads = tf.grads(loss)(names.map((name) => weights[name]!));
      return Object.fromEntries(names.map((name, i) => [name, grads[i]!]));
    });
    const weights = Object.fromEntries(names.map((name) => [name, zeros([width, width])]));
    const before = resident();
    await run({ x: zeros([rows, width]), ...weights });
    const kept = layers * rows * width * 4;
    expect(resident() - before).toBeGreaterThan(0.8 * kept);
    expect(resident() - before).toBeLessThan(1.5 * kept);
  },
);
