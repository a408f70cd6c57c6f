import { compile, float32, int32, type NDArray } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import type { ModelConfig } from './config/model-config.js';
import { parameterCount } from './config/weight-shapes.js';
import { hiddenStates } from './decoder/decoder.js';
import { labelLogitsOf, vocabularyLogits } from './decoder/heads.js';
import type { ModelTensors } from './decoder/model-tensors.js';
import { initWeights } from './init.js';
import { headToRound, type QuantizedWeights, quantizeWeights, ROUNDED_HEAD } from './quantize.js';

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

/** Bytes of all weights but the embedding and the rounded head; the matrices of the layers, and nothing else, must be integers. */
function bytesOf(quantized: QuantizedWeights): number {
  let bytes = 0;
  for (const [name, weight] of Object.entries(quantized)) {
    if (name === ROUNDED_HEAD) continue;
    expect('scales' in weight).toBe(name.includes('_proj.'));
    const arrays: NDArray[] = 'scales' in weight ? Object.values(weight) : [weight];
    if (!name.includes('embed_tokens')) for (const { data } of arrays) bytes += data.byteLength;
  }
  return bytes;
}

const floatBytes = 4 * (parameterCount(config) - config.vocabSize * config.hiddenSize);

/** How far the next-token distributions with quantized weights are from those with the weights as they are. */
async function distance(quantized: QuantizedWeights) {
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
  return { divergence, farthest, agreed: agreed / rows };
}

it('8-bit matrices give nearly the same next-token distribution, in a quarter of the memory', async () => {
  const quantized = quantizeWeights(weights);
  expect(bytesOf(quantized)).toBeLessThan(0.3 * floatBytes);
  const { divergence, farthest, agreed } = await distance(quantized);
  expect(farthest).toBeGreaterThan(0);
  expect(divergence).toBeLessThan(1e-4);
  expect(agreed).toBeGreaterThan(0.9);
});

it('4-bit matrices give a distribution near it, in a sixth of the memory', async () => {
  const quantized = quantizeWeights(weights, 'int4');
  expect(bytesOf(quantized)).toBeLessThan(0.18 * floatBytes);
  const { divergence, farthest, agreed } = await distance(quantized);
  expect(farthest).toBeGreaterThan((await distance(quantizeWeights(weights))).farthest);
  expect(divergence).toBeLessThan(5e-3);
  expect(agreed).toBeGreaterThan(0.8);
});

it('names the matrix that cannot be rounded', () => {
  const name = 'model.layers.1.mlp.down_proj.weight';
  const narrow = { ...weights, [name]: float32([64, 40], new Float32Array(64 * 40)) };
  expect(() => quantizeWeights(narrow, 'int4')).toThrow(
    expect.objectContaining({ code: 'bad-weights', message: expect.stringMatching(`${name}: .* 40 inputs`) }),
  );
  expect('scales' in quantizeWeights(narrow)[name]!).toBe(true);
});

it.each(['model.layers.1.mlp.down_proj.weight', 'model.norm.weight', 'model.embed_tokens.weight'])(
  'refuses %s where it is not finite',
  (name) => {
    const { shape, data } = weights[name]!;
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      const broken = { ...weights, [name]: float32(shape, data.slice().fill(value, 3, 4)) };
      for (const precision of ['int8', 'int4'] as const) {
        expect(() => quantizeWeights(broken, precision)).toThrow(
          expect.objectContaining({ code: 'bad-weights', message: expect.stringContaining(`"${name}"`) }),
        );
      }
    }
  },
);

it('rounds the head beside the one that judges read, where there is one of whole blocks', async () => {
  const rounded = quantizeWeights(weights);
  expect(rounded[ROUNDED_HEAD]).toMatchObject({ packed: { shape: [60, 2, 32] }, scales: { shape: [60, 2] } });
  expect(rounded['model.embed_tokens.weight']).toBe(weights['model.embed_tokens.weight']);
  const shapes = { 'model.embed_tokens.weight': [60, 64] };
  expect(headToRound({ ...shapes, 'lm_head.weight': [60, 64] })).toBe('lm_head.weight');
  expect(headToRound({ ...shapes, 'score.weight': [1, 64] })).toBeUndefined();
  expect(headToRound({ 'model.embed_tokens.weight': [60, 72] })).toBeUndefined();

  // The logits of labels are those of the head itself.
  const states = float32([3, 64], Array.from({ length: 192 }, uniform));
  const run = compile((inputs: { weights: ModelTensors; states: tf.Tensor2D }) => ({
    labels: labelLogitsOf(config, inputs.weights, inputs.states, [7, 9]),
    all: vocabularyLogits(config, inputs.weights, inputs.states),
  }));
  const exact = await run({ weights, states });
  const found = await run({ weights: rounded as never, states });
  run.dispose();
  expect(found.labels.data).toEqual(exact.labels.data);
  const difference = Array.from(found.all.data, (value, i) => value - exact.all.data[i]!);
  const size = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
  expect(size(difference)).toBeGreaterThan(0);
  expect(size(difference) / size(exact.all.data)).toBeLessThan(0.01);
});
