import { Worker } from 'node:worker_threads';
import { threadCount } from '@gram/base';
import { compile, float32 } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import { median, timed } from './configurations.mjs';

/** Measures the operations per second of the matrix products of a model in one graph, with weights as inputs. */
export async function matrixLimit(config, tokens) {
  const { hiddenSize: d, intermediateSize: f, vocabSize: v, numKeyValueHeads: kv, headDim } = config;
  const shapes = [
    [d, d],
    [kv * headDim, d],
    [f, d],
    [d, f],
    [Math.min(v, 8192), d],
  ];
  const filled = (n) => Float32Array.from({ length: n }, (_, i) => Math.sin(i) / 2);
  const inputs = { x: {}, w: {} };
  for (const [i, [out, inner]] of shapes.entries()) {
    inputs.x[`x${i}`] = float32([tokens, inner], filled(tokens * inner));
    inputs.w[`w${i}`] = float32([out, inner], filled(out * inner));
  }
  const products = compile(({ x, w }) =>
    Object.fromEntries(
      shapes.map((_, i) => [`y${i}`, tf.sum(tf.matMul(x[`x${i}`], w[`w${i}`], false, true))]),
    ),
  );
  const flop = shapes.reduce((sum, [out, inner]) => sum + 2 * tokens * out * inner, 0);
  const seconds = median(await timed(16, () => products(inputs)));
  products.dispose();
  return flop / seconds;
}

const reader = `
const { parentPort, workerData } = require('node:worker_threads');
const [a, b] = [Buffer.alloc(workerData.bytes, 1), Buffer.alloc(workerData.bytes, 1)];
parentPort.on('message', () => parentPort.postMessage(a.equals(b)));
`;

/** Measures the bytes per second that all threads together read when they compare memory far larger than the caches. */
export async function readBandwidth() {
  const bytes = 2 ** 28;
  const workers = Array.from(
    { length: threadCount() },
    () => new Worker(reader, { eval: true, workerData: { bytes } }),
  );
  const all = () =>
    Promise.all(
      workers.map(
        (worker) =>
          new Promise((resolve) => {
            worker.once('message', resolve);
            worker.postMessage('go');
          }),
      ),
    );
  const seconds = Math.min(...(await timed(8, all)));
  await Promise.all(workers.map((worker) => worker.terminate()));
  return (2 * bytes * workers.length) / seconds;
}
