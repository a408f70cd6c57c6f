import * as tf from '@tensorflow/tfjs-core';
import { float32, type NDArray } from '../arrays/array.js';
import { EngineError } from '../error.js';
import type { GraphTarget } from '../graph/target.js';
import { openRuntimeDevice } from './runtime-device.js';

/** Smallest ratio of the rates at which an accelerator is preferred to the CPU: launches and transfers cost more there. */
const WORTHWHILE_RATIO = 2;

let fastest: Promise<GraphTarget> | undefined;

/**
 * Finds the working device that is fastest at a matrix product. It is measured, once in a process, because a GPU may be a
 * software one, or a slow one beside a fast processor. A GPU that is not at least twice as fast as the CPU is not chosen.
 */
export function fastestDevice(): Promise<GraphTarget> {
  if (fastest === undefined) {
    fastest = measured();
    // The next call tries again.
    fastest.catch(() => {
      fastest = undefined;
    });
  }
  return fastest;
}

async function measured(): Promise<GraphTarget> {
  const options = { size: 512, runs: 3 };
  let best: { name: GraphTarget; rate: number } = {
    name: 'cpu',
    rate: WORTHWHILE_RATIO * (await matrixRate('cpu', options)),
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
 * Measures the floating-point operations per second of matrix products inside one graph, which no other graph can exceed on the
 * device.
 *
 * @param device the device
 * @param options `size`: rows, columns and length of the sums of each product, 1024 by default; `runs`: number of runs, of which
 *   the fastest counts, 8 by default
 */
export async function matrixRate(
  device: GraphTarget,
  { size = 1024, runs = 8 }: { size?: number; runs?: number } = {},
): Promise<number> {
  const opened = openRuntimeDevice(device);
  const filled = (seed: number) => {
    const data = new Float32Array(size * size);
    for (let i = 0; i < data.length; i++) data[i] = Math.sin(i + seed) / size;
    return float32([size, size], data);
  };
  const count = 4;
  const names = Array.from({ length: count }, (_, i) => `m${i}`);
  const inputs = new Map<string, NDArray>([
    ['x', filled(count)],
    ...names.map((name, i) => [name, filled(i)] as const),
  ]);
  const executable = opened.prepare({
    fn: ({ x, ...matrices }: { x: tf.Tensor2D } & Record<string, tf.Tensor2D>) => {
      const product = Object.values(matrices).reduce((left, right) => tf.matMul(left, right, false, true), x);
      return { sum: tf.sum(product) };
    },
    specs: Object.fromEntries([...inputs].map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
    constants: new Map(),
    inPlace: [],
    resident: [],
    precision: 'float32',
    gradientCheckpointing: false,
    profile: false,
  });
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run <= runs; run++) {
    const started = performance.now();
    await executable.run(inputs, new Map());
    // The first run prepares the device.
    if (run > 0) best = Math.min(best, (performance.now() - started) / 1000);
  }
  executable.dispose();
  return (2 * size ** 3 * count) / best;
}
