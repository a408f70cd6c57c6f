import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, float32, int32 } from '@gram/engine';
import { maxRelativeDifference } from '@gram/engine/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { hiddenStates } from '../decoder/decoder.js';
import { nextTokenLosses, values, vocabularyLogits } from '../decoder/heads.js';
import type { WeightTensors } from '../decoder/model-tensors.js';
import { loadModel } from '../directory/model-directory.js';
import { createGenerator } from '../generation/generator.js';
import { FAMILIES } from './index.js';

// Made by tools/make-model-fixtures.py with Hugging Face transformers.
const fixtures = new URL('../__fixtures__/', import.meta.url);
const fixture = (name: string) => {
  const directory = fileURLToPath(new URL(name, fixtures));
  const expected = JSON.parse(readFileSync(join(directory, 'expected.json'), 'utf8'));
  const rows: number[][] = expected.tokens;
  return { directory, expected, tokens: int32([rows.length, rows[0]!.length], rows.flat()) };
};
/** Every directory with a variant is a test, so that a new family brings its own. */
const named = readdirSync(fixtures).filter((name) => existsSync(new URL(`${name}/variant.json`, fixtures)));
const scoring = named.filter((name) => fixture(name).expected.values !== undefined);
const causal = named.filter((name) => !scoring.includes(name));
const vector = (data: number[]) => float32([data.length], data);
type Inputs = { weights: WeightTensors; tokens: tf.Tensor2D };

it('has fixtures of every family', () => {
  const types = named
    .map((name) => fixture(name).directory)
    .map((directory) => JSON.parse(readFileSync(join(directory, 'variant.json'), 'utf8')).model_type);
  expect([...new Set(types)].sort()).toEqual(
    Object.values(FAMILIES)
      .map(({ modelType }) => modelType)
      .sort(),
  );
});

describe.each(causal)('%s against transformers', (name) => {
  const { directory, expected, tokens } = fixture(name);

  it('gives the same states after each layer, and the same logits', async () => {
    const { config, weights } = await loadModel(directory);
    const run = compile(({ weights: w, tokens: ids }: Inputs) => {
      const after = (layers: number) => hiddenStates({ ...config, numHiddenLayers: layers }, w, ids);
      const depths = Array.from({ length: config.numHiddenLayers }, (_, layers) => layers);
      const logits = vocabularyLogits(config, w, after(config.numHiddenLayers));
      return {
        logits: tf.reshape(logits, [-1]),
        states: Object.fromEntries(depths.map((layers) => [layers, tf.reshape(after(layers), [-1])])),
      };
    });
    const { logits, states } = await run({ weights, tokens });
    for (const [layers, wanted] of expected.states.entries()) {
      expect(maxRelativeDifference(states[layers], vector(wanted)), `${layers} layers`).toBeLessThan(1e-5);
    }
    expect(maxRelativeDifference(logits, vector(expected.logits))).toBeLessThan(1e-5);
    const largest = Math.max(...logits.data.map((value, i) => Math.abs(value - expected.logits[i])));
    expect(largest).toBeLessThan(1e-4);
  });

  it('continues greedily with the same 32 tokens', async () => {
    const generator = createGenerator(await loadModel(directory));
    const ids = Array.from(tokens.data.slice(0, 6));
    const [completions] = await generator.generate([{ ids, decodings: [{ temperature: 0 }] }], {
      maxNewTokens: 32,
      stopIds: [],
    });
    expect(completions![0]!.ids).toEqual(expected.greedy);
    generator.dispose();
  });

  it('gives the same loss and gradients', async () => {
    const { config, weights } = await loadModel(directory);
    const names = Object.keys(expected.gradients);
    const run = compile((inputs: Inputs) => {
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
    // A bias of the keys shifts all scores of a row alike, so that its gradient is rounding.
    const large = names.filter((key) => !key.endsWith('k_proj.bias'));
    for (const key of large) {
      expect(maxRelativeDifference(gradients[key], vector(expected.gradients[key])), key).toBeLessThan(1e-4);
    }
  });
});

it('has models that score of every family', () => {
  const types = scoring.map((name) =>
    JSON.parse(readFileSync(join(fixture(name).directory, 'variant.json'), 'utf8')),
  );
  expect(new Set(types.map(({ model_type: type }) => type)).size).toBe(Object.keys(FAMILIES).length);
});

describe.each(scoring)('%s against transformers', (name) => {
  it('gives the same rewards after sequences of any length, alone and side by side, in the same order', async () => {
    const { directory, expected, tokens } = fixture(name);
    const { config, weights } = await loadModel(directory);
    const run = compile((inputs: Inputs & { last: tf.Tensor1D }) => ({
      values: values(config, inputs.weights, inputs.tokens, inputs.last),
    }));
    const lengths = Object.keys(expected.beginnings).map(Number);
    const wanted: number[] = Object.values(expected.beginnings);
    const longest = Math.max(...lengths);
    const rewards = async (batch: readonly number[], width: number) => {
      const rows = new Int32Array(batch.length * width);
      for (const [row, length] of batch.entries()) rows.set(tokens.data.slice(0, length), row * width);
      const last = batch.map((length) => length - 1);
      const inputs = { tokens: int32([batch.length, width], rows), last: int32([batch.length], last) };
      return [...(await run({ weights, ...inputs })).values.data];
    };
    const alone = (await Promise.all(lengths.map((length) => rewards([length], length)))).flat();
    const order = (all: readonly number[]) => all.map((_, i) => i).sort((a, b) => all[a]! - all[b]!);
    for (const found of [alone, await rewards(lengths, longest), await rewards(lengths, longest + 5)]) {
      expect(Math.max(...found.map((value, i) => Math.abs(value - wanted[i]!)))).toBeLessThan(1e-5);
      expect(order(found)).toEqual(order(wanted));
    }
    run.dispose();
  });

  it('gives the same rewards', async () => {
    const { directory, expected, tokens } = fixture(name);
    const { config, weights } = await loadModel(directory);
    const run = compile((inputs: Inputs & { last: tf.Tensor1D }) => ({
      values: values(config, inputs.weights, inputs.tokens, inputs.last),
    }));
    const end = tokens.shape[1]! - 1;
    const out = await run({ weights, tokens, last: int32([2], [end, end]) });
    expect(maxRelativeDifference(out.values, vector(expected.values))).toBeLessThan(1e-5);
  });
});
