import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { float32, type NDArray } from '../arrays/array.js';
import type { DeviceName } from '../arrays/device-array.js';
import { type Arrays, compile } from '../compile/compile.js';
import { read } from '../compile/place.js';
import {
  describeOnDevices as describeOn,
  deviceStates,
  evaluate,
  maxRelativeDifference,
} from '../testing.js';

const states = await deviceStates();

/** Describes the same tests on every device. Those on a device that does not work here are skipped, with the reason. */
export function describeOnDevices(name: string, tests: (device: DeviceName) => void): void {
  describeOn(describe, states, name, tests);
}

/** Number of random cases on a device: fewer where each costs a compilation of shaders. */
export function randomCases(device: DeviceName, count: number): number {
  return device === 'webgpu' ? Math.ceil(count / 2) : count;
}

/**
 * Largest difference of a result on a device from that of TensorFlow.js' own backend. TensorFlow's tanh is off by 3e-7 of its value,
 * and its softmax of a single score is 1 - 6e-8, so that a gradient which is zero comes out as 1e-6.
 */
const toleranceOf = (device: DeviceName) => (device === 'tensorflow' ? 5e-5 : 1e-5);

/** A tensor function of the named arrays. */
type Function<I extends Record<string, tf.Tensor>> = (inputs: I) => Record<string, tf.Tensor>;

/** Runs a function on a device and on TensorFlow.js' own backend, which must agree in values, shapes and types. */
export async function expectAgreement<I extends Record<string, tf.Tensor>>(
  device: DeviceName,
  fn: Function<I>,
  inputs: Arrays<I>,
  tolerance = toleranceOf(device),
): Promise<void> {
  const compiled = compile(fn, { device });
  const found = (await read(await compiled(inputs as never))) as Record<string, NDArray>;
  compiled.dispose();
  const expected = (await evaluate(fn, inputs)) as Record<string, NDArray>;
  for (const [name, { shape, dtype }] of Object.entries(expected)) {
    expect(found[name]?.shape, `shape of ${name}`).toEqual(shape);
    expect(found[name]?.dtype, `type of ${name}`).toBe(dtype);
  }
  // Inputs are of magnitude 1, so a gradient that is zero by cancellation has the rounding errors of that.
  expect(maxRelativeDifference(found, expected, 0.1)).toBeLessThan(tolerance);
}

/**
 * A function with the gradients of its result by the inputs in `by`. The result is weighted, so that the
 * gradient differs from element to element.
 */
export function withGradients<I extends Record<string, tf.Tensor>>(
  fn: (inputs: I) => tf.Tensor,
  by: readonly (keyof I & string)[],
): Function<I> {
  return (inputs) => {
    const weighted = (...tensors: tf.Tensor[]) => {
      const out = fn({ ...inputs, ...Object.fromEntries(by.map((name, i) => [name, tensors[i]])) });
      const weights = tf.reshape(tf.range(1, out.size + 1), out.shape);
      // Every input takes part, if only with a gradient of zero.
      const none = tf.addN(tensors.map((tensor) => tf.sum(tf.mul(tensor, 0))));
      return tf.add(tf.div(tf.sum(tf.mul(out, weights)), out.size), none);
    };
    const grads = tf.grads(weighted)(by.map((name) => inputs[name] as tf.Tensor));
    return { value: fn(inputs), ...Object.fromEntries(grads.map((gradient, i) => [`d${by[i]}`, gradient])) };
  };
}

/** Random float32 arrays of given shapes, the same for the same seed. Values lie in ±[0.05, 1.95). */
export function randomArrays<Name extends string>(
  shapes: Readonly<Record<Name, readonly number[]>>,
  seed: number,
  positive = false,
): Record<Name, NDArray<'float32'>> {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Away from the kinks of abs, relu and clip, where both slopes are right.
    const value = 0.05 + (state / 2 ** 32) * 1.9;
    return positive || (state >>> 8) % 2 === 0 ? value : -value;
  };
  return Object.fromEntries(
    Object.entries<readonly number[]>(shapes).map(([name, shape]) => {
      const size = shape.reduce((product, n) => product * n, 1);
      return [name, float32(shape, Array.from({ length: size }, next))];
    }),
  ) as Record<Name, NDArray<'float32'>>;
}

/** Checks a property for random sizes and seeds. */
export function forRandom<Sizes extends Record<string, readonly [min: number, max: number]>>(
  sizes: Sizes,
  numRuns: number,
  check: (sizes: { [K in keyof Sizes]: number }, seed: number) => Promise<void>,
): Promise<void> {
  const record = Object.fromEntries(
    Object.entries(sizes).map(([name, [min, max]]) => [name, fc.integer({ min, max })]),
  );
  return fc.assert(
    fc.asyncProperty(fc.record(record), fc.integer(), async (drawn, seed) =>
      check(drawn as { [K in keyof Sizes]: number }, seed),
    ),
    { numRuns },
  );
}
