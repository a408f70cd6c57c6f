import * as tf from '@tensorflow/tfjs';
import { float32, type NDArray } from '../array.js';
import { EngineError } from '../error.js';
import type { GraphTarget } from '../trace/graph.js';
import { openRuntimeDevice } from './runtime-device.js';

/** How much faster at products an accelerator must be: launches and transfers cost more there. */
const worthwhile = 2;

/**
 * The fastest working device at a matrix product. It is measured, because a GPU may be a software one, or a
 * slow one beside a fast processor; one that is not at least twice as fast as the CPU is left alone.
 */
export async function fastestDevice(): Promise<GraphTarget> {
  const options = { size: 512, runs: 3 };
  let best: { name: GraphTarget; rate: number } = {
    name: 'cpu',
    rate: worthwhile * (await matrixRate('cpu', options)),
  };
  for (const name of ['cuda', 'webgpu'] as const) {
    try {
      const rate = await matrixRate(name, options);
      if (rate > best.rate) best = { name, rate };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
    }
  }
  return best.name;
}

/**
 * Floating-point operations per second of matrix products inside one graph: what no graph of products can
 * exceed on this device.
 *
 * @param size rows, columns and length of the sums of each product. @default 1024
 * @param runs the fastest of as many counts. @default 8
 */
export async function matrixRate(
  device: GraphTarget,
  { size = 1024, runs = 8 }: { size?: number; runs?: number } = {},
): Promise<number> {
  const matrices = Array.from({ length: 4 }, (_, i) => matrix(size, size, i));
  const seconds = await chainOfProducts(device, matrix(size, size, 4), matrices, false, runs);
  return (2 * size ** 3 * matrices.length) / seconds;
}

/**
 * Bytes of float32 weights that a device reads per second in products with one row: the limit of text that is generated
 * one token at a time. The weights are packed, and far larger than the caches.
 */
export async function weightRate(device: GraphTarget): Promise<number> {
  const [size, count] = [2048, 16];
  const matrices = Array.from({ length: count }, (_, i) => matrix(size, size, i));
  const seconds = await chainOfProducts(device, matrix(1, size, count), matrices, true, 6);
  return (4 * size ** 2 * count) / seconds;
}

/** Different for each seed, for the runtime would keep only one of several equal constants. */
function matrix(rows: number, columns: number, seed: number): NDArray {
  const values = Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i + seed) / columns);
  const data = new Float32Array(rows * columns);
  for (let start = 0; start < data.length; start += values.length) {
    data.set(values.subarray(0, Math.min(values.length, data.length - start)), start);
  }
  return float32([rows, columns], data);
}

/** Seconds of x m0 m1 ... in one graph, the fastest of some runs. */
async function chainOfProducts(
  device: GraphTarget,
  x: NDArray,
  matrices: readonly NDArray[],
  packed: boolean,
  runs: number,
): Promise<number> {
  const named = new Map(matrices.map((each, i) => [`m${i}`, each]));
  const inputs = new Map([['x', x], ...named]);
  const executable = openRuntimeDevice(device).prepare({
    fn: (m: Record<string, tf.Tensor2D>) => {
      let product = m.x!;
      for (const name of named.keys()) product = tf.matMul(product, m[name]!, false, true);
      return { sum: tf.sum(product) };
    },
    specs: Object.fromEntries([...inputs].map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
    constants: packed ? named : new Map(),
    inPlace: [],
    resident: [],
    profile: false,
  });
  const given = packed ? new Map([['x', x]]) : inputs;
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run <= runs; run++) {
    const started = performance.now();
    await executable.run(given, new Map());
    // The first run prepares the device.
    if (run > 0) best = Math.min(best, (performance.now() - started) / 1000);
  }
  executable.dispose();
  return best;
}
