import { compile, int32 } from '@gram/engine';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import type { ModelConfig } from './config/model-config.js';
import { parameterCount } from './config/weight-shapes.js';
import { hiddenStates, type ModelTensors } from './decoder.js';
import { vocabularyLogits } from './heads.js';
import { initWeights } from './init.js';
import { quantizeWeights } from './quantize.js';

const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 60,
  hiddenSize: 64,
  intermediateSize: 96,
  numHiddenLayers: 3,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 16,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 64,
  tieWordEmbeddings: true,
};

let state = 5;
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const weights = initWeights(config, { normal: () => 4 * (uniform() + uniform() + uniform() - 1.5) });
const tokens = int32(
  [2, 20],
  Array.from({ length: 40 }, () => Math.floor(uniform() * config.vocabSize)),
);

it('8-bit matrices give nearly the same next-token distribution, in a quarter of the memory', async () => {
  const quantized = quantizeWeights(weights);
  let bytes = 0;
  for (const [name, weight] of Object.entries(quantized)) {
    const isMatrix = 'scales' in weight;
    expect(isMatrix).toBe(name.includes('_proj.'));
    bytes += isMatrix
      ? weight.values.data.byteLength + weight.scales.data.byteLength
      : weight.data.byteLength;
  }
  const embedding = 4 * config.vocabSize * config.hiddenSize;
  expect(bytes - embedding).toBeLessThan(0.3 * (4 * parameterCount(config) - embedding));

  const run = compile((inputs: { weights: ModelTensors; tokens: tf.Tensor2D }) => ({
    probabilities: tf.softmax(
      vocabularyLogits(config, inputs.weights, hiddenStates(config, inputs.weights, inputs.tokens)),
    ),
  }));
  const exact = await run({ weights, tokens });
  const rounded = await run({ weights: quantized as never, tokens });
  run.dispose();
  const [p, q] = [exact.probabilities.data, rounded.probabilities.data];
  const rows = tokens.data.length;
  let [divergence, farthest, agreed] = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    const at = (values: typeof p) =>
      Array.from(values.subarray(row * config.vocabSize, (row + 1) * config.vocabSize));
    const [a, b] = [at(p), at(q)];
    divergence += a.reduce((sum, value, i) => sum + value * Math.log(value / b[i]!), 0) / rows;
    farthest = Math.max(farthest, ...a.map((value, i) => Math.abs(value - b[i]!)));
    if (a.indexOf(Math.max(...a)) === b.indexOf(Math.max(...b))) agreed++;
  }
  expect(farthest).toBeGreaterThan(0);
  expect(divergence).toBeLessThan(0.02);
  expect(agreed / rows).toBeGreaterThan(0.8);
});
