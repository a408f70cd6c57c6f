import * as tf from '@tensorflow/tfjs-core';
import { float32, type NDArray } from '../arrays/array.js';
import { EngineError } from '../error.js';
import type { GraphTarget } from '../graph/target.js';
import { openRuntimeDevice } from './runtime-device.js';

/** How much faster at products an accelerator must be: launches and transfers cost more there. */
const worthwhile = 2;

let fastest: Promise<GraphTarget> | undefined;

/**
 * The fastest working device at a matrix product. It is measured, once in a process, because a GPU may be a software one, or a
 * slow one beside a fast processor; one that is not at least twice as fast as the CPU is left alone.
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
  const opened = openRuntimeDevice(device);
  const filled = (seed: number) =>
    float32(
      [size, size],
      Float32Array.from({ length: size * size }, (_, i) => Math.sin(i + seed) / size),
    );
  const count = 4;
  const inputs = new Map<string, NDArray>(Array.from({ length: count + 1 }, (_, i) => [`m${i}`, filled(i)]));
  const executable = opened.prepare({
    fn: (m: Record<string, tf.Tensor2D>) => {
      let product = m.m0!;
      for (let i = 1; i <= count; i++) product = tf.matMul(product, m[`m${i}`]!, false, true);
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
