import * as tf from '@tensorflow/tfjs-core';
import { float32, type NDArray } from './arrays/array.js';
import type { DeviceName } from './arrays/device-array.js';
import { compile } from './compile/compile.js';

// Together the matrices are far larger than the caches.
const SIZE = 2048;
const COUNT = 16;

/**
 * Measures the bytes of float32 weights that a device reads per second in products with one row, which limit the speed of text
 * that is generated one token at a time.
 *
 * @param runs number of runs, of which the fastest counts. @default 6
 */
export async function weightRate(device: DeviceName, runs = 6): Promise<number> {
  const matrices = Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [`m${i}`, matrix(SIZE, i)]));
  const chain = compile(
    (inputs: { x: tf.Tensor2D; matrices: Record<string, tf.Tensor2D> }) => {
      const matrices = Object.values(inputs.matrices);
      const product = matrices.reduce((left, right) => tf.matMul(left, right, false, true), inputs.x);
      return { sum: tf.sum(product) };
    },
    { device, constants: ['matrices'] },
  );
  const x = matrix(1, COUNT);
  let best = Number.POSITIVE_INFINITY;
  try {
    for (let run = 0; run <= runs; run++) {
      const started = performance.now();
      await chain({ x, matrices });
      // The first run prepares the device.
      if (run > 0) best = Math.min(best, (performance.now() - started) / 1000);
    }
  } finally {
    chain.dispose();
  }
  return (4 * SIZE ** 2 * COUNT) / best;
}

/** A matrix that differs from seed to seed, because the runtime keeps only one of several equal constants. */
function matrix(rows: number, seed: number): NDArray<'float32'> {
  const row = Float32Array.from({ length: SIZE }, (_, i) => Math.sin(i + seed) / SIZE);
  const data = new Float32Array(rows * SIZE);
  for (let start = 0; start < data.length; start += SIZE) data.set(row, start);
  return float32([rows, SIZE], data);
}
