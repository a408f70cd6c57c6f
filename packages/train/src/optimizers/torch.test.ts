import { readFileSync } from 'node:fs';
import { compile, float32, scalar } from '@gram/engine';
import type * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { adafactor } from './adafactor.js';
import { adamW } from './adamw.js';
import { initMoments, type Moments, type Optimizer, type StepScalars } from './optimizer.js';
import { sgd } from './sgd.js';

type Values = { matrix: number[]; vector: number[] };

// Made by tools/make-optimizer-fixtures.py with PyTorch.
const fixture = JSON.parse(readFileSync(new URL('./__fixtures__/expected.json', import.meta.url), 'utf8'));
const arrays = ({ matrix, vector }: Values) => ({
  matrix: float32([3, 5], matrix),
  vector: float32([4], vector),
});

const optimizers: Record<string, Optimizer> = {
  adamw: adamW({ beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1 }),
  sgd: sgd({ momentum: 0.9, weightDecay: 0.1 }),
  'sgd-plain': sgd(),
  adafactor: adafactor({ weightDecay: 0.1 }),
};

it.each(Object.keys(optimizers))('%s is that of PyTorch, in place', async (name) => {
  const optimizer = optimizers[name]!;
  const step = compile(
    (inputs: {
      weights: Record<string, tf.Tensor>;
      moments: Moments<tf.Tensor>;
      gradients: Record<string, tf.Tensor>;
      step: StepScalars<tf.Tensor>;
    }) => optimizer.update(inputs.weights, inputs.moments, inputs.gradients, inputs.step),
    { inPlace: ['weights', 'moments'] },
  );
  const weights = arrays(fixture);
  const moments = initMoments(optimizer, weights);
  for (const [i, gradient] of fixture.gradients.entries()) {
    // Gradients twice as large, halved as clipping would.
    const doubled = (values: number[]) => values.map((value) => 2 * value);
    const { matrix, vector } = gradient as Values;
    const scalars = Object.entries(optimizer.scalars(i + 1, fixture.learningRates[i], 0.5));
    await step({
      weights,
      moments,
      gradients: arrays({ matrix: doubled(matrix), vector: doubled(vector) }),
      step: Object.fromEntries(scalars.map(([key, value]) => [key, scalar(value)])),
    });
    const wanted = fixture.expected[name][i] as Values;
    for (const key of ['matrix', 'vector'] as const) {
      for (const [j, value] of wanted[key].entries()) {
        const error = Math.abs(weights[key].data[j]! - value);
        expect(error, `${key} ${j} after step ${i + 1}`).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
      }
    }
  }
  expect(step.executables[0]?.copied).toEqual([]);
  step.dispose();
});

it('a factored moment takes the room of a row and a column', () => {
  const shapes = { matrix: { shape: [300, 500] }, vector: { shape: [7] } };
  const sizes = Object.values(initMoments(adafactor(), shapes)).flatMap((slot) =>
    Object.values(slot).map(({ data }) => data.length),
  );
  expect(sizes.sort((a, b) => a - b)).toEqual([7, 300, 500]);
});
