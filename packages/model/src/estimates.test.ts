import { trace } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import type { ModelConfig } from './config/model-config.js';
import { withHead } from './config/model-config.js';
import { parameterCount, weightShapes } from './config/weight-shapes.js';
import { hiddenStates } from './decoder/decoder.js';
import {
  activationBytes,
  bytesPerToken,
  cacheBytes,
  forwardFlop,
  trainingBytes,
  trainingMemory,
} from './estimates.js';
import { initWeights } from './init.js';
import { quantizeWeights } from './quantize.js';
import { roundedHeadBytes, weightBytes } from './weight-bytes.js';

// SmolLM2-135M.
const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 49_152,
  hiddenSize: 576,
  intermediateSize: 1536,
  numHiddenLayers: 30,
  numAttentionHeads: 9,
  numKeyValueHeads: 3,
  headDim: 64,
  rmsNormEps: 1e-5,
  ropeTheta: 100_000,
  maxPositionEmbeddings: 8192,
  tieWordEmbeddings: true,
};
const small: ModelConfig = {
  ...config,
  vocabSize: 100,
  hiddenSize: 64,
  intermediateSize: 96,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  headDim: 32,
  tieWordEmbeddings: false,
};

it('weighs what the arrays weigh, in each precision', () => {
  expect(weightBytes(config)).toBe(538_060_032);
  const weights = initWeights(small, { normal: () => 0.5 });
  const sizeOf = (value: object): number =>
    'data' in value
      ? (value.data as Float32Array).byteLength
      : Object.values(value).reduce((sum, part) => sum + sizeOf(part as object), 0);
  expect(weightBytes(small)).toBe(sizeOf(weights));
  const head = roundedHeadBytes(small);
  expect(head).toBe(100 * 64 + 4 * 100 * 2);
  expect(roundedHeadBytes(withHead(small, 'score'))).toBe(0);
  expect(weightBytes(small, 'int4') + head).toBe(sizeOf(quantizeWeights(weights, 'int4')));
  // Of 8 bits, the scales of the rows come on top.
  const rounded = sizeOf(quantizeWeights(weights, 'int8')) - head;
  expect(weightBytes(small, 'int8')).toBeLessThan(rounded);
  expect(weightBytes(small, 'int8')).toBeGreaterThan(0.95 * rounded);
});

it('counts the operations and bytes of a pass', () => {
  // Two operations for each weight of a matrix, and for the head where it runs.
  const head = 49_152 * 576;
  const norms = 61 * 576;
  const matrices = parameterCount(config) - head - norms;
  expect(forwardFlop(config, 10, 0)).toBe(20 * matrices);
  expect(forwardFlop(config, 10, 3)).toBe(20 * matrices + 6 * head);
  expect(forwardFlop(withHead(config, 'score'), 1, 1)).toBe(2 * matrices + 2 * 576);
  expect(bytesPerToken(config)).toBe(weightBytes(config));
  expect(bytesPerToken(small)).toBe(weightBytes(small) - 4 * 100 * 64);
  for (const [model, tables] of [
    [config, 1],
    [small, 2],
  ] as const) {
    const { vocabSize, hiddenSize } = model;
    const rest = weightBytes(model, 'int8') - 4 * tables * vocabSize * hiddenSize;
    expect(bytesPerToken(model, 'int8')).toBe(rest + 1.125 * vocabSize * hiddenSize);
  }
  expect(cacheBytes(config, 1)).toBe(2 * 30 * 3 * 64 * 4);
});

it('counts what training keeps', () => {
  expect(trainingBytes(config)).toBe(16 * parameterCount(config));
  const lora = { rank: 16, alpha: 32, targets: ['q_proj'] as const };
  expect(trainingBytes(config, lora)).toBe(4 * parameterCount(config) + 16 * 30 * 16 * (576 + 576));
  expect(activationBytes(config, 4, 384)).toBe(4 * activationBytes(config, 1, 384));
  // The scores of attention grow with the square of the length.
  expect(activationBytes(config, 1, 8000)).toBeGreaterThan(2 * activationBytes(config, 1, 4000));
});

it('splits what training keeps, for any optimizer', () => {
  const parameters = parameterCount(config);
  expect(trainingMemory(config)).toEqual({
    weights: 4 * parameters,
    gradients: 4 * parameters,
    moments: 8 * parameters,
  });
  const forgetful = { slots: () => ({}) };
  expect(trainingMemory(config, { optimizer: forgetful }).moments).toBe(0);
  const lora = { rank: 16, alpha: 32, targets: ['q_proj'] as const };
  const adapter = 4 * 30 * 16 * (576 + 576);
  expect(trainingMemory(config, { lora, optimizer: forgetful })).toEqual({
    weights: 4 * parameters + adapter,
    gradients: adapter,
    moments: 0,
  });
});

it.each([false, true])(
  'counts the activations of a traced step (checkpointing: %s)',
  (gradientCheckpointing) => {
    const deep = { ...small, hiddenSize: 128, intermediateSize: 384, headDim: 64, numHiddenLayers: 8 };
    const [rows, length] = [4, 128];
    const shapes = weightShapes(deep);
    const names = Object.keys(shapes).filter((name) => name.startsWith('model.layers'));
    const step = ({ weights, tokens }: { weights: Record<string, tf.Tensor>; tokens: tf.Tensor2D }) => {
      const loss = (...given: tf.Tensor[]) => {
        const trained = Object.fromEntries(names.map((name, i) => [name, given[i]!]));
        return tf.sum(hiddenStates(deep, { ...weights, ...trained }, tokens));
      };
      return Object.fromEntries(
        tf
          .grads(loss)(names.map((name) => weights[name]!))
          .map((g, i) => [names[i]!, g]),
      );
    };
    const float = (shape: readonly number[]) => ({ dtype: 'float32', shape }) as const;
    const specs = {
      weights: Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, float(shape)])),
      tokens: { dtype: 'int32', shape: [rows, length] } as const,
    };
    const { peakBytes } = trace(step, specs, { gradientCheckpointing });
    const estimate = activationBytes(deep, rows, length, { gradientCheckpointing });
    expect(peakBytes(new Map()) / estimate).toBeGreaterThan(0.75);
    expect(peakBytes(new Map()) / estimate).toBeLessThan(1.25);
  },
);
