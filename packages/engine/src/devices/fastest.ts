import * as tf from '@tensorflow/tfjs-core';
import { float32, type NDArray } from '../arrays/array.js';
import { type AnyArray, DeviceArray, type DeviceName, deviceIndex } from '../arrays/device-array.js';
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
 * device. The matrices are placed on it before, so that copies do not count.
 *
 * @param device the device
 * @param options `size`: rows, columns and length of the sums of each product, 1024 by default; `runs`: number of runs, of which
 *   the fastest counts, 8 by default
 * @throws {EngineError} `device-unavailable` where the products are wrong
 */
export async function matrixRate(
  device: Exclude<DeviceName, 'tensorflow'>,
  { size = 1024, runs = 8 }: { size?: number; runs?: number } = {},
): Promise<number> {
  const { kind, index } = deviceIndex(device);
  // The type leaves out the one other kind.
  const opened = openRuntimeDevice(kind as GraphTarget, index);
  const names = Array.from({ length: COUNT }, (_, i) => `m${i}`);
  const host = new Map(['x', ...names].map((name, seed) => [name, filled(size, seed)] as const));
  const inputs = new Map<string, AnyArray>();
  for (const [name, matrix] of host) inputs.set(name, await opened.place(matrix));
  const executable = opened.prepare({
    fn: ({ x, ...matrices }: { x: tf.Tensor2D } & Record<string, tf.Tensor2D>) => {
      const product = Object.values(matrices).reduce((left, right) => tf.matMul(left, right, false, true), x);
      return { sum: tf.sum(product) };
    },
    specs: Object.fromEntries([...host].map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
    constants: new Map(),
    prepack: true,
    inPlace: [],
    resident: [],
    precision: 'float32',
    gradientCheckpointing: false,
    parts: [],
    profile: false,
  });
  try {
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run <= runs; run++) {
      const started = performance.now();
      const { sum } = (await executable.run(inputs, new Map())) as { sum: NDArray };
      // The first run prepares the device.
      if (run === 0) checkSum(device, sum.data[0] as number, expectedSum([...host.values()], size));
      else best = Math.min(best, (performance.now() - started) / 1000);
    }
    return (2 * size ** 3 * COUNT) / best;
  } finally {
    executable.dispose();
    for (const array of inputs.values()) if (array instanceof DeviceArray) array.dispose();
  }
}

/** Number of products in the graph that is measured. */
const COUNT = 4;

/** A matrix of numbers between 0.5 and 1.5, divided by its size: products of several keep that magnitude. */
function filled(size: number, seed: number): NDArray<'float32'> {
  const data = new Float32Array(size * size);
  for (let i = 0; i < data.length; i++) data[i] = (1 + Math.sin(i + seed) / 2) / size;
  return float32([size, size], data);
}

/** Computes the sum of x m0^T m1^T ... by products with vectors: 1^T x m0^T ... 1. */
function expectedSum([x, ...matrices]: readonly NDArray<'float32'>[], size: number): number {
  const columnSums = new Float64Array(size);
  for (let i = 0; i < size * size; i++)
    columnSums[i % size] = (columnSums[i % size] ?? 0) + (x?.data[i] ?? 0);
  const last = matrices.reduce((row, { data }) => {
    const next = new Float64Array(size);
    for (let r = 0; r < size; r++) {
      let sum = 0;
      for (let c = 0; c < size; c++) sum += (row[c] ?? 0) * (data[r * size + c] ?? 0);
      next[r] = sum;
    }
    return next;
  }, columnSums);
  return last.reduce((sum, value) => sum + value, 0);
}

function checkSum(device: DeviceName, found: number, expected: number): void {
  if (Math.abs(found - expected) <= 1e-3 * expected) return;
  throw new EngineError(
    'device-unavailable',
    `the device '${device}' computes wrong products: a sum is ${found}, and should be ${expected}`,
    'update its driver, or use another device',
  );
}
