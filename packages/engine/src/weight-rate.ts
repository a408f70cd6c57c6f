import * as tf from '@tensorflow/tfjs-core';
import { float32, type NDArray } from './arrays/array.js';
import type { DeviceName } from './arrays/device-array.js';
import { compile } from './compile/compile.js';

// Far larger than the caches in all.
const size = 2048;
const count = 16;

/**
 * Bytes of float32 weights that a device reads per second in products with one row: the limit of text that is generated
 * one token at a time.
 *
 * @param runs the fastest of as many counts. @default 6
 */
export async function weightRate(device: DeviceName, runs = 6): Promise<number> {
  const matrices = Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, matrix(size, i)]));
  const chain = compile(
    (inputs: { x: tf.Tensor2D; matrices: Record<string, tf.Tensor2D> }) => {
      let product = inputs.x;
      for (let i = 0; i < count; i++) product = tf.matMul(product, inputs.matrices[`m${i}`]!, false, true);
      return { sum: tf.sum(product) };
    },
    { device, constants: ['matrices'] },
  );
  const x = matrix(1, count);
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
  return (4 * size ** 2 * count) / best;
}

/** Different for each seed, for the runtime would keep only one of several equal constants. */
function matrix(rows: number, seed: number): NDArray<'float32'> {
  const row = Float32Array.from({ length: size }, (_, i) => Math.sin(i + seed) / size);
  const data = new Float32Array(rows * size);
  for (let start = 0; start < data.length; start += size) data.set(row, start);
  return float32([rows, size], data);
}
