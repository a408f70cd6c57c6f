import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, float32, int32 } from '@gram/engine';
import { evaluate, maxRelativeDifference } from '@gram/engine/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kindOf } from '../config/model-config.js';
import { hiddenStates } from '../decoder/decoder.js';
import { values, vocabularyLogits } from '../decoder/heads.js';
import { dropped } from '../decoder/linear.js';
import type { ModelTensors, WeightTensors } from '../decoder/model-tensors.js';
import { loadModel, saveModel } from '../directory/model-directory.js';
import { PROJECTIONS } from '../families/projections.js';
import { adaptedWeights, adapterNoise, adapterShapes, initAdapter } from './adapter.js';
import { loadAdapter, saveAdapter } from './adapter-directory.js';
import { type LoraConfig, parseLoraConfig } from './lora-config.js';
import { mergeAdapter, mergeToSave } from './merge-adapter.js';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const vector = (data: readonly number[]) => float32([data.length], data as number[]);
let state = 7;
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gram-lora-'));
});
afterEach(() => rm(root, { recursive: true }));

// Made by tools/make-lora-fixtures.py with PEFT.
describe.each(['qwen2', 'qwen3-reward'])('the adapter of %s against PEFT', async (name) => {
  const { config, weights: base } = await loadModel(at(`../__fixtures__/${name}`));
  const directory = at(`./__fixtures__/${name}`);
  const { lora, weights: adapter } = await loadAdapter(directory, config);
  const expected = JSON.parse(await readFile(join(directory, 'expected.json'), 'utf8'));
  const tokens = int32([2, 11], expected.tokens.flat());
  const outputs = (weights: ModelTensors, ids: tf.Tensor2D) =>
    kindOf(config).head === 'score'
      ? values(config, weights, ids, tf.tensor1d([10, 10], 'int32'))
      : tf.reshape(vocabularyLogits(config, weights, hiddenStates(config, weights, ids)), [-1]);

  it('gives the same outputs and gradients', async () => {
    const names = Object.keys(adapter);
    const run = compile((inputs: { base: WeightTensors; adapter: WeightTensors; tokens: tf.Tensor2D }) => {
      const forward = (...trained: tf.Tensor[]) =>
        outputs(
          adaptedWeights(
            config,
            lora,
            inputs.base,
            Object.fromEntries(names.map((key, i) => [key, trained[i]!])),
          ),
          inputs.tokens,
        );
      const given = names.map((key) => inputs.adapter[key]!);
      const loss = (...trained: tf.Tensor[]) => {
        const out = forward(...trained);
        const steps = tf.range(0, out.size, 1, 'float32');
        return tf.sum(tf.mul(out, tf.sub(tf.mul(steps, 2 / (out.size - 1)), 1))) as tf.Scalar;
      };
      const gradients = tf.grads(loss)(given);
      return {
        outputs: forward(...given),
        gradients: Object.fromEntries(names.map((key, i) => [key, tf.reshape(gradients[i]!, [-1])])),
      };
    });
    const out = await run({ base, adapter, tokens });
    expect(maxRelativeDifference(out.outputs, vector(expected.logits))).toBeLessThan(1e-5);
    expect(Object.keys(expected.gradients).sort()).toEqual(names.sort());
    for (const key of names) {
      expect(maxRelativeDifference(out.gradients[key], vector(expected.gradients[key])), key).toBeLessThan(
        1e-4,
      );
    }
  });

  it('merged into the base, gives the same outputs', async () => {
    const weights = mergeAdapter(config, lora, base, adapter);
    const run = compile((inputs: { weights: WeightTensors; tokens: tf.Tensor2D }) => ({
      outputs: outputs(inputs.weights, inputs.tokens),
    }));
    const merged = await run({ weights, tokens });
    expect(maxRelativeDifference(merged.outputs, vector(expected.logits))).toBeLessThan(1e-5);
    const shared = Object.keys(base).filter((key) => weights[key] === base[key]);
    expect(shared).toHaveLength(
      Object.keys(base).length -
        Object.keys(adapterShapes(config, lora)).length / 2 -
        (name === 'qwen3-reward' ? 0.5 : 0),
    );
  });

  it('merged while it is saved, in shards, is the same model, of which one matrix is made at a time', async () => {
    const largest = Math.max(...Object.values(base).map(({ data }) => data.length));
    const buffer = new Float32Array(largest);
    let made = 0;
    const weights = Object.fromEntries(
      Object.entries(mergeToSave(config, lora, base, adapter)).map(([key, array]) => {
        if (!('make' in array)) return [key, array];
        // Overwrites the matrix before it, which has to be written by then.
        const make = async () => {
          const { data } = await array.make();
          made++;
          buffer.set(data);
          return float32(array.shape, buffer.subarray(0, data.length));
        };
        return [key, { shape: array.shape, make }];
      }),
    );
    const directory = join(root, 'merged');
    await saveModel(directory, { config, weights }, { maxShardBytes: 20_000 });
    expect(made).toBe(lora.targets.length * config.numHiddenLayers);
    const { weights: loaded } = await loadModel(directory);
    expect({ ...loaded }).toEqual(mergeAdapter(config, lora, base, adapter));
  });

  it('is saved as it was loaded', async () => {
    const copy = join(root, 'adapter');
    await saveAdapter(copy, { lora, weights: adapter }, config, { baseModel: name });
    expect(await loadAdapter(copy, config)).toEqual({
      lora,
      weights: adapter,
      config,
      baseModel: name,
      files: {},
    });
  });

  it('new, changes nothing', async () => {
    const fresh = initAdapter(config, lora, base, { uniform });
    const weights = mergeAdapter(config, lora, base, fresh);
    for (const [key, { data }] of Object.entries(base)) expect(weights[key]!.data).toEqual(data);
    const [a] = Object.values(fresh);
    expect(Math.max(...a!.data)).toBeLessThanOrEqual(1 / Math.sqrt(a!.shape[1]!));
  });
});

describe('loadAdapter', async () => {
  const { config } = await loadModel(at('../__fixtures__/qwen2'));
  const json = JSON.parse(await readFile(at('./__fixtures__/qwen2/adapter_config.json'), 'utf8'));

  const refused: [object, string][] = [
    [{ peft_type: 'IA3' }, 'peft_type: only "LORA" is supported'],
    [{ use_dora: true }, 'use_dora: is not supported'],
    [{ rank_pattern: { q_proj: 4 } }, 'rank_pattern'],
    [{ init_lora_weights: 'pissa' }, 'init_lora_weights: is not supported'],
    [{ bias: 'all' }, 'bias: only "none" is supported'],
    [{ target_modules: ['lm_head'] }, 'target_modules'],
    [{ target_modules: 'q.*' }, 'target_modules'],
    [{ modules_to_save: ['lm_head'] }, 'modules_to_save'],
    [{ r: 0 }, 'r:'],
    [{ something_new: 1 }, '"something_new"'],
  ];
  it.each(refused)('refuses %j by name', (change, message) => {
    expect(() => parseLoraConfig({ ...json, ...change }, 'adapter_config.json')).toThrow(message);
  });

  it('names tensors that are missing, unexpected or misshapen', async () => {
    const dir = join(root, 'adapter');
    const lora: LoraConfig = { rank: 2, alpha: 4, targets: ['q_proj'] };
    const weights = initAdapter(config, lora, {}, { uniform });
    await saveAdapter(dir, { lora, weights }, config);
    const path = join(dir, 'adapter_config.json');
    const written = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...written, r: 3, target_modules: ['q_proj', 'v_proj'] }));
    await expect(loadAdapter(dir, config)).rejects.toMatchObject({
      code: 'bad-adapter',
      message: expect.stringMatching(
        /4 missing .*v_proj.*4 of the wrong shape .*\[2,32\] instead of \[3,32\]/,
      ),
    });
  });

  it('refuses a bad adaptation before anything is written', async () => {
    const dir = join(root, 'none');
    for (const lora of [
      { rank: 0, alpha: 1, targets: PROJECTIONS },
      { rank: 1, alpha: 0, targets: PROJECTIONS },
      { rank: 1, alpha: 1, targets: [] },
      { rank: 1, alpha: 1, targets: PROJECTIONS, dropout: 1 },
    ]) {
      await expect(saveAdapter(dir, { lora, weights: {} }, config)).rejects.toMatchObject({
        code: 'bad-config',
      });
    }
  });
});

describe('dropout', () => {
  it('drops each element with the probability, independently, and keeps the mean', async () => {
    const [count, width, probability] = [300, 400, 0.1];
    const rows = Float32Array.from({ length: count }, uniform);
    const columns = Float32Array.from({ length: width }, uniform);
    const run = (inputs: { rows: tf.Tensor1D; columns: tf.Tensor1D }) => ({
      y: dropped(tf.ones([count, width]) as tf.Tensor2D, { probability, ...inputs }),
    });
    const inputs = { rows: float32([count], rows), columns: float32([width], columns) };
    const [{ y }, eager] = [await compile(run)(inputs), await evaluate(run, inputs)];
    // The same mask on every device: one product and its fraction are exact in any float32 arithmetic.
    expect(Array.from(y.data)).toEqual(Array.from(eager.y!.data));
    const kept = Array.from(y.data, (value) => (value > 0 ? 1 : 0) as number);
    expect(new Set(y.data)).toEqual(new Set([0, Math.fround(1 / 0.9)]));
    const share = kept.reduce((sum, value) => sum + value, 0) / kept.length;
    // Three standard deviations of a binomial share are 0.0026.
    expect(Math.abs(share - 0.9)).toBeLessThan(0.004);
    // Two rows agree where chance lets them: in 0.9^2 + 0.1^2 = 0.82 of the columns.
    const agreement = (i: number, j: number) => {
      let same = 0;
      for (let k = 0; k < width; k++) same += kept[i * width + k] === kept[j * width + k] ? 1 : 0;
      return same / width;
    };
    const pairs = Array.from({ length: count - 1 }, (_, i) => agreement(i, i + 1));
    const mean = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
    expect(Math.abs(mean - 0.82)).toBeLessThan(0.02);
    expect(Math.max(...pairs)).toBeLessThan(0.95);
  });

  it('has numbers for every adapted matrix', async () => {
    const { config } = await loadModel(at('../__fixtures__/qwen2'));
    const noise = adapterNoise(config, { rank: 1, alpha: 1, targets: ['q_proj', 'down_proj'] }, 22, {
      uniform,
    });
    expect(noise.rows.shape).toEqual([4, 22]);
    expect(noise.columns.shape).toEqual([4, config.intermediateSize]);
  });
});
