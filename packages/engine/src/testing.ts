import * as tf from '@tensorflow/tfjs-core';
import { isNDArray, type NDArray } from './arrays/array.js';
import { type DeviceName, deviceNames } from './arrays/device-array.js';
import { flattenTree, mapTree } from './arrays/tree.js';
import type { Arrays } from './compile/compile.js';
import { openDevice } from './devices/open.js';
import { tensorOf } from './devices/tensorflow-device.js';
import { EngineError } from './error.js';

export {
  type CudaRig,
  missingRig,
  openCudaRig,
  outsideTheDevice,
  type Placement,
  type RigCounts,
  type RigTraffic,
  recordPlacements,
} from './testing/cuda-rig.js';
export { computeOnRig } from './testing/host-kernels.js';

/** A device, and the reason why it cannot be tested on this machine; undefined for one that works. */
export interface DeviceState {
  readonly device: DeviceName;
  readonly reason?: string;
}

/** Starts every device, so that tests run on all that work and are visibly skipped on the others. */
export async function deviceStates(): Promise<DeviceState[]> {
  const states: DeviceState[] = [];
  for (const device of deviceNames) {
    try {
      await openDevice(device);
      states.push({ device });
    } catch (error) {
      if (!(error instanceof EngineError) || device === 'cpu') throw error;
      states.push({ device, reason: error.message });
    }
  }
  return states;
}

/** The part of a test framework's `describe` that `describeOnDevices` needs, such as vitest's. */
export interface Describe {
  (name: string, tests: () => void): unknown;
  skip(name: string, tests: () => void): unknown;
}

/** Describes the same tests on every device. The names of skipped tests give the reason. */
export function describeOnDevices(
  describe: Describe,
  states: readonly DeviceState[],
  name: string,
  tests: (device: DeviceName) => void,
): void {
  for (const { device, reason } of states) {
    if (reason === undefined) describe(`${name} on ${device}`, () => tests(device));
    // The device does not work on this machine, for the reason in the name: there is nothing to run the tests on.
    else describe.skip(`${name} on ${device} (${reason})`, () => tests(device));
  }
}

/**
 * Runs a function eagerly on a backend of TensorFlow.js, as a reference for traced runs in tests.
 *
 * @param backend a registered backend. @default 'cpu', that of `@tensorflow/tfjs-backend-cpu`, in plain JavaScript
 * @throws {EngineError} `runtime-missing` where that package is not installed
 */
export async function evaluate<T extends object, O extends object>(
  fn: (inputs: T) => O,
  inputs: Arrays<T>,
  backend = 'cpu',
): Promise<Arrays<O>> {
  if (backend === 'cpu') await loadJavaScriptBackend();
  // TensorFlow.js advertises its Node addon at the first write of the JavaScript backend.
  tf.env().set('IS_NODE', false);
  await tf.setBackend(backend);
  tf.engine().startScope();
  try {
    const result = fn(mapTree(inputs, isNDArray, tensorOf) as T);
    return mapTree(
      result,
      (value): value is tf.Tensor => value instanceof tf.Tensor,
      (tensor) => ({ dtype: tensor.dtype, shape: tensor.shape, data: tensor.dataSync() }) as NDArray,
    ) as Arrays<O>;
  } finally {
    tf.engine().endScope();
  }
}

/** Only tests need the backend in JavaScript: the package is an optional peer. */
async function loadJavaScriptBackend(): Promise<void> {
  try {
    await import('@tensorflow/tfjs-backend-cpu');
  } catch (cause) {
    throw new EngineError(
      'runtime-missing',
      'the reference in plain JavaScript needs @tensorflow/tfjs-backend-cpu, which does not load',
      "run 'npm install --save-dev @tensorflow/tfjs-backend-cpu'",
      { cause },
    );
  }
}

/**
 * Finds the largest difference between two trees of arrays, relative to the largest magnitude of each array.
 *
 * @param floor smallest magnitude that a difference is divided by. @default 1e-6
 */
export function maxRelativeDifference(actual: unknown, expected: unknown, floor = 1e-6): number {
  const found = flattenTree(actual, isNDArray);
  let worst = 0;
  for (const [path, { data: want }] of flattenTree(expected, isNDArray)) {
    const got = found.get(path);
    if (got === undefined || got.data.length !== want.length) return Number.POSITIVE_INFINITY;
    let scale = floor;
    for (const value of want) scale = Math.max(scale, Math.abs(value));
    for (let i = 0; i < want.length; i++) {
      const difference = Math.abs((got.data[i] ?? Number.NaN) - (want[i] ?? Number.NaN)) / scale;
      // Written so that NaN counts as a difference.
      if (!(difference <= worst)) worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    }
  }
  return worst;
}
