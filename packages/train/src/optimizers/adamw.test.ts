import { compile, float32, scalar } from '@gram/engine';
import type * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { adamW } from './adamw.js';
import type { Moments, StepScalars } from './optimizer.js';

/** AdamW as its paper writes it, one number at a time in float64. */
function reference(
  w: number,
  gradients: number[],
  lr: number,
  decay: number,
  [b1, b2, eps]: [number, number, number],
) {
  let [m, v, x] = [0, 0, w];
  for (const [i, g] of gradients.entries()) {
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    x = x * (1 - lr * decay) - (lr * (m / (1 - b1 ** (i + 1)))) / (Math.sqrt(v / (1 - b2 ** (i + 1))) + eps);
  }
  return x;
}

it('follows the definition over several steps, decays matrices and leaves vectors alone', async () => {
  const optimizer = adamW({ weightDecay: 0.1 });
  const step = compile(
    (inputs: {
      weights: Record<string, tf.Tensor>;
      moments: Moments<tf.Tensor>;
      gradients: Record<string, tf.Tensor>;
      step: StepScalars<tf.Tensor>;
    }) => optimizer.update(inputs.weights, inputs.moments, inputs.gradients, inputs.step),
    { inPlace: ['weights', 'moments'] },
  );
  const weights = { matrix: float32([1, 2], [0.5, -1]), vector: float32([2], [0.5, -1]) };
  const zeros = () => ({ matrix: float32([1, 2], [0, 0]), vector: float32([2], [0, 0]) });
  const moments = { m: zeros(), v: zeros() };
  const gradients = [
    [0.3, -2],
    [-0.1, 1e-4],
    [0.7, 5],
  ];
  for (const [i, g] of gradients.entries()) {
    const scalars = Object.entries(optimizer.scalars(i + 1, 0.01, 0.5));
    await step({
      weights,
      moments,
      gradients: { matrix: float32([1, 2], g), vector: float32([2], g) },
      step: Object.fromEntries(scalars.map(([name, value]) => [name, scalar(value)])),
    });
  }
  for (const [i, start] of [0.5, -1].entries()) {
    const scaled = gradients.map((g) => g[i]! * 0.5);
    expect(weights.matrix.data[i]).toBeCloseTo(reference(start, scaled, 0.01, 0.1, [0.9, 0.999, 1e-8]), 6);
    expect(weights.vector.data[i]).toBeCloseTo(reference(start, scaled, 0.01, 0, [0.9, 0.999, 1e-8]), 6);
  }
  // Every result was written straight into its array.
  expect(step.executables[0]?.copied).toEqual([]);
});
