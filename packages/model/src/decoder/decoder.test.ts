import { compile, int32 } from '@gram/engine';
import { evaluate, maxRelativeDifference } from '@gram/engine/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../config/model-config.js';
import { initWeights } from '../init.js';
import { hiddenStates, stateAt } from './decoder.js';
import { labelLogits, nextTokenLosses } from './heads.js';
import type { WeightTensors } from './model-tensors.js';

const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 40,
  hiddenSize: 24,
  intermediateSize: 40,
  numHiddenLayers: 3,
  numAttentionHeads: 6,
  numKeyValueHeads: 2,
  headDim: 4,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 64,
  tieWordEmbeddings: true,
};

let state = 12345;
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const weights = initWeights(config, { normal: () => 4 * (uniform() + uniform() + uniform() - 1.5) });
const ids = (length: number) => Array.from({ length }, () => Math.floor(uniform() * config.vocabSize));

const states = compile((inputs: { weights: WeightTensors; tokens: tf.Tensor2D }) => ({
  states: hiddenStates(config, inputs.weights, inputs.tokens),
}));

describe('hiddenStates', () => {
  it('never lets a position see what comes after it, so padding on the right changes nothing', async () => {
    const short = ids(7);
    const alone = await states({ weights, tokens: int32([1, 7], short) });
    const padded = await states({ weights, tokens: int32([2, 11], [...ids(11), ...short, ...ids(4)]) });
    const rows = padded.states.data.slice(11 * config.hiddenSize, 18 * config.hiddenSize);
    for (const [i, value] of Array.from(alone.states.data).entries()) expect(rows[i]).toBeCloseTo(value, 4);
  });

  it('depends on the order of the tokens before a position', async () => {
    const [a, b] = [ids(3), ids(3)];
    const last = async (tokens: number[]) => {
      const out = await states({ weights, tokens: int32([1, 7], tokens) });
      return Array.from(out.states.data.slice(6 * config.hiddenSize));
    };
    const forth = await last([...a, ...b, 1]);
    const back = await last([...b, ...a, 1]);
    expect(Math.max(...forth.map((value, i) => Math.abs(value - back[i]!)))).toBeGreaterThan(1e-3);
  });
});

describe('stateAt', () => {
  it('equals the row of hiddenStates at that position', async () => {
    const tokens = int32([3, 9], ids(27));
    const positions = [8, 0, 5];
    const all = await states({ weights, tokens });
    const some = await compile(
      (inputs: { weights: WeightTensors; tokens: tf.Tensor2D; last: tf.Tensor1D }) => ({
        states: stateAt(config, inputs.weights, inputs.tokens, inputs.last),
      }),
    )({ weights, tokens, last: int32([3], positions) });
    const expected = positions.flatMap((t, row) => {
      const start = (row * 9 + t) * config.hiddenSize;
      return Array.from(all.states.data.slice(start, start + config.hiddenSize));
    });
    const difference = maxRelativeDifference(some.states, {
      dtype: 'float32',
      shape: [],
      data: Float32Array.from(expected),
    });
    expect(difference).toBeLessThan(1e-5);
  });
});

describe('heads', () => {
  it('give the loss of the full softmax at the chosen positions only', async () => {
    const tokens = int32([2, 6], ids(12));
    const positions = [1, 4, 9];
    const targets = [3, 17, 39];
    const run = (inputs: { weights: WeightTensors; tokens: tf.Tensor2D }) => ({
      losses: nextTokenLosses(
        config,
        inputs.weights,
        inputs.tokens,
        tf.tensor1d(positions, 'int32'),
        tf.tensor1d(targets, 'int32'),
      ),
    });
    const full = (inputs: { weights: WeightTensors; tokens: tf.Tensor2D }) => {
      const x = hiddenStates(config, inputs.weights, inputs.tokens);
      const scale = tf.rsqrt(tf.mean(tf.square(x), -1, true).add(config.rmsNormEps));
      const normal = x.mul(scale).mul(inputs.weights['model.norm.weight']!) as tf.Tensor2D;
      const logits = tf.matMul(
        normal,
        inputs.weights['model.embed_tokens.weight'] as tf.Tensor2D,
        false,
        true,
      );
      const oneHot = tf.oneHot(tf.tensor1d(targets, 'int32'), config.vocabSize, 1, 0, 'float32');
      const chosen = tf.gather(tf.logSoftmax(logits), tf.tensor1d(positions, 'int32'));
      return { losses: tf.neg(tf.sum(tf.mul(chosen, oneHot), -1)) };
    };
    const found = await compile(run)({ weights, tokens });
    const expected = await evaluate(full, { weights, tokens });
    expect(maxRelativeDifference(found, expected)).toBeLessThan(1e-5);
  });

  it('give label logits whose difference is that of the next-token losses', async () => {
    const tokens = int32([1, 5], ids(5));
    const out = await compile(
      (inputs: { weights: WeightTensors; tokens: tf.Tensor2D; last: tf.Tensor1D }) => ({
        labels: labelLogits(config, inputs.weights, inputs.tokens, inputs.last, [11, 23]),
        losses: nextTokenLosses(
          config,
          inputs.weights,
          inputs.tokens,
          tf.tensor1d([4, 4], 'int32'),
          tf.tensor1d([11, 23], 'int32'),
        ),
      }),
    )({ weights, tokens, last: int32([1], [4]) });
    const [a, b] = Array.from(out.labels.data) as [number, number];
    const [lossA, lossB] = Array.from(out.losses.data) as [number, number];
    expect(a - b).toBeCloseTo(lossB - lossA, 4);
  });
});
