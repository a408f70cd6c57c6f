import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, float32, int32 } from '@gram/engine';
import { maxRelativeDifference } from '@gram/engine/testing';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { finalNorm, hiddenStates, type WeightTensors } from './decoder.js';
import { loadModel } from './files/model-directory.js';
import { nextTokenLosses, values } from './heads.js';

// Made by tools/make-llama-fixtures.py with Hugging Face transformers.
const fixture = (name: string) => {
  const directory = fileURLToPath(new URL(`./__fixtures__/${name}`, import.meta.url));
  return { directory, expected: JSON.parse(readFileSync(join(directory, 'expected.json'), 'utf8')) };
};
const vector = (data: number[]) => float32([data.length], data);

describe.each(['llama-tied-grouped', 'llama-untied-ungrouped'])('%s against transformers', (name) => {
  const { directory, expected } = fixture(name);
  const tokens = int32([2, 9], expected.tokens.flat());

  it('gives the same logits', async () => {
    const { config, weights } = await loadModel(directory);
    const head = config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
    const run = compile((inputs: { weights: WeightTensors; tokens: tf.Tensor2D }) => {
      const states = finalNorm(config, inputs.weights, hiddenStates(config, inputs.weights, inputs.tokens));
      return {
        logits: tf.reshape(tf.matMul(states, inputs.weights[head] as tf.Tensor2D, false, true), [-1]),
      };
    });
    const { logits } = await run({ weights, tokens });
    expect(maxRelativeDifference(logits, vector(expected.logits))).toBeLessThan(1e-5);
  });

  it('gives the same loss and gradients', async () => {
    const { config, weights } = await loadModel(directory);
    const names = Object.keys(expected.gradients);
    const run = compile((inputs: { weights: WeightTensors; tokens: tf.Tensor2D }) => {
      const positions = tf.tensor1d(expected.positions, 'int32');
      const targets = tf.tensor1d(expected.targets, 'int32');
      const loss = (...changed: tf.Tensor[]) => {
        const replaced = Object.fromEntries(names.map((key, i) => [key, changed[i]!]));
        const all = { ...inputs.weights, ...replaced };
        return tf.mean(nextTokenLosses(config, all, inputs.tokens, positions, targets));
      };
      const { value, grads } = tf.valueAndGrads(loss)(names.map((key) => inputs.weights[key]!));
      return {
        loss: value,
        gradients: Object.fromEntries(names.map((key, i) => [key, tf.reshape(grads[i]!, [-1])])),
      };
    });
    const { loss, gradients } = await run({ weights, tokens });
    expect(Math.abs(loss.data[0]! - expected.loss)).toBeLessThan(1e-5 * expected.loss);
    for (const key of names) {
      expect(maxRelativeDifference(gradients[key], vector(expected.gradients[key])), key).toBeLessThan(1e-4);
    }
  });
});

it('gives the same rewards as LlamaForSequenceClassification', async () => {
  const { directory, expected } = fixture('llama-reward');
  const { config, weights } = await loadModel(directory);
  const run = compile((inputs: { weights: WeightTensors; tokens: tf.Tensor2D; last: tf.Tensor1D }) => ({
    values: values(config, inputs.weights, inputs.tokens, inputs.last),
  }));
  const out = await run({ weights, tokens: int32([2, 9], expected.tokens.flat()), last: int32([2], [8, 8]) });
  expect(maxRelativeDifference(out.values, vector(expected.values))).toBeLessThan(1e-5);
});
