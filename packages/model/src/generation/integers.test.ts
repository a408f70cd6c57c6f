import { float32, int8Kernel, quantizeInt8 } from '@gram/engine';
import { expect, it } from 'vitest';
import type { Weights } from '../config/weight-shapes.js';
import { config, prompts, weights } from './__fixtures__/tiny-model.js';
import { createGenerator } from './generator.js';

const greedy = { temperature: 0 };

/** Matrices of the layers four times as large: the model is sure of its tokens, and a wrong product shows. */
const sharp: Weights = Object.fromEntries(
  Object.entries(weights).map(([name, weight]) => [
    name,
    name.includes('_proj.')
      ? float32(
          weight.shape,
          weight.data.map((value) => 4 * value),
        )
      : weight,
  ]),
);

/** The matrices after rounding, in float32: what 8-bit products give but for the rounding of their left sides. */
const rounded: Weights = Object.fromEntries(
  Object.entries(sharp).map(([name, weight]) => {
    if (!name.includes('_proj.')) return [name, weight];
    const [outputs, inputs] = weight.shape as [number, number];
    const { values, scales } = quantizeInt8(weight, 'signed');
    const data = Float32Array.from(
      { length: outputs * inputs },
      (_, i) =>
        values.data[(i % inputs) * outputs + Math.floor(i / inputs)]! * scales.data[Math.floor(i / inputs)]!,
    );
    return [name, float32(weight.shape, data)];
  }),
);

/** Greedy answers, each prompt by itself: the rounding of a row then depends on no other prompt. */
async function answers(precision: 'float32' | 'int8', given: Weights) {
  const generator = createGenerator({ config, weights: given, precision, fixedWeights: true });
  const found = [];
  for (const ids of prompts) {
    const [completions] = await generator.generate([{ ids, decodings: [greedy] }], {
      maxNewTokens: 6,
      stopIds: [],
    });
    found.push(completions![0]!);
  }
  generator.dispose();
  return found;
}

it(`8-bit answers are those of the rounded weights, with ${int8Kernel()} integers`, async () => {
  const [exact, found] = [await answers('float32', rounded), await answers('int8', sharp)];
  let [tokens, equal, largest] = [0, 0, 0];
  for (const [i, { ids, logProbabilities }] of found.entries()) {
    for (const [at, id] of ids.entries()) {
      tokens++;
      // After another token the texts differ, and so do their probabilities.
      if (id !== exact[i]!.ids[at]) break;
      equal++;
      largest = Math.max(largest, Math.abs(logProbabilities[at]! - exact[i]!.logProbabilities[at]!));
    }
  }
  expect(equal / tokens).toBeGreaterThan(0.9);
  expect(largest).toBeLessThan(0.1);
});
