import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, float32, int32 } from '@gram/engine';
import { maxRelativeDifference } from '@gram/engine/testing';
import type * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configToJson } from '../config/config-json.js';
import { longestSequence, type ModelConfig } from '../config/model-config.js';
import { parseConfig } from '../config/parse-config.js';
import { type Weights, weightShapes } from '../config/weight-shapes.js';
import { stateAt } from '../decoder/decoder.js';
import { labelLogits, nextTokenLoss, nextTokenLosses } from '../decoder/heads.js';
import type { ModelTensors, WeightTensors } from '../decoder/model-tensors.js';
import { loadModel, saveModel } from '../directory/model-directory.js';
import { exportGenerator } from '../export/export-model.js';
import { createGenerator } from '../generation/generator.js';
import { ggufFile, text, uint32 } from '../gguf/__fixtures__/gguf-file.js';
import { loadGgufWeights } from '../gguf/load-gguf.js';
import { ggufName } from '../gguf/tensors.js';
import { initWeights } from '../init.js';
import { adaptedWeights, initAdapter } from '../lora/adapter.js';
import { mergeAdapter } from '../lora/merge-adapter.js';
import { PROJECTIONS } from './projections.js';

const fixture = fileURLToPath(new URL('../__fixtures__/gemma2', import.meta.url));
let folder: string;
let config: ModelConfig;
let weights: Weights;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-gemma2-'));
  ({ config, weights } = await loadModel(fixture));
});
afterAll(() => rm(folder, { recursive: true }));

let state = 7;
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const ids = (length: number) => Array.from({ length }, () => Math.floor(uniform() * config.vocabSize));

type Inputs = { weights: WeightTensors; tokens: tf.Tensor2D; last: tf.Tensor1D };

describe('config.json', () => {
  const sizes = {
    model_type: 'gemma2',
    architectures: ['Gemma2ForCausalLM'],
    vocab_size: 100,
    hidden_size: 32,
    intermediate_size: 64,
    num_hidden_layers: 3,
    num_attention_heads: 8,
  };
  const parse = (change: object = {}) => parseConfig({ ...sizes, ...change }, 'config.json');

  it('gets the defaults of transformers', () => {
    expect(parse()).toMatchObject({
      headDim: 256,
      numKeyValueHeads: 4,
      queryPreAttnScalar: 256,
      attnLogitSoftcapping: 50,
      finalLogitSoftcapping: 30,
      slidingWindow: 4096,
      tieWordEmbeddings: true,
    });
    // The window is part of some layers, and no limit of the sequence.
    expect(longestSequence(parse())).toBe(8192);
  });

  it('is read back as the same configuration', () => {
    const full = { layer_types: Array(3).fill('full_attention') };
    const uncapped = { attn_logit_softcapping: null, final_logit_softcapping: null };
    for (const change of [{}, full, uncapped, { attention_bias: true, sliding_window: 5 }]) {
      const read = parse(change);
      expect(parseConfig(JSON.parse(JSON.stringify(configToJson(read))), 'config')).toEqual(read);
    }
    expect(parse(full).slidingWindow).toBeUndefined();
  });

  it('takes any order of the layers', () => {
    const types = ['full_attention', 'sliding_attention', 'full_attention'];
    expect(parse({ layer_types: types }).layerTypes).toEqual(types);
    expect(() => parse({ layer_types: types.slice(1) })).toThrow(/layer_types has 2 entries for 3 layers/);
  });

  it('refuses other activations', () => {
    expect(() => parse({ hidden_activation: 'relu' })).toThrow(/hidden_activation/);
    expect(() => parse({ use_bidirectional_attention: true })).toThrow(/use_bidirectional_attention/);
  });
});

it('starts with gains of one, which are weights of zero', () => {
  const { data } = initWeights(config, { normal: uniform })['model.norm.weight']!;
  expect(data.every((value) => value === 0)).toBe(true);
});

it('gives a padded sequence the same state as the sequence alone', async () => {
  const run = compile(({ weights: w, tokens, last }: Inputs) => ({
    states: stateAt(config, w, tokens, last),
  }));
  const short = ids(13);
  const alone = await run({ weights, tokens: int32([1, 13], short), last: int32([1], [12]) });
  const tokens = int32([2, 20], [...ids(20), ...short, ...ids(7)]);
  const padded = await run({ weights, tokens, last: int32([2], [19, 12]) });
  const row = float32([1, 32], Float32Array.from(padded.states.data.slice(32)));
  expect(maxRelativeDifference(row, alone.states)).toBeLessThan(1e-5);
});

it('caps the logits in every loss and in those of labels', async () => {
  const tokens = int32([1, 12], ids(12));
  const run = compile(({ weights: w, tokens: t, last, targets }: Inputs & { targets: tf.Tensor1D }) => {
    const each = nextTokenLosses(config, w, t, last, targets);
    return {
      sum: each.sum(),
      fused: nextTokenLoss(config, w, t, last, targets, each.onesLike()),
      labels: labelLogits(config, w, t, last.slice(1, 1), [3, 5]),
    };
  });
  const inputs = { weights, tokens, last: int32([2], [4, 11]), targets: int32([2], [3, 5]) };
  const { sum, fused, labels } = await run(inputs);
  expect(fused.data[0]).toBeCloseTo(sum.data[0]!, 4);
  expect(Math.max(...Array.from(labels.data).map(Math.abs))).toBeLessThan(3);
});

describe('generation', () => {
  const continued = async (options: object, prompts: number[][]) => {
    const generator = createGenerator({ config, weights, ...options });
    const requests = prompts.map((prompt) => ({ ids: prompt, decodings: [{ temperature: 0 }] }));
    const found = await generator.generate(requests, { maxNewTokens: 20, stopIds: [] });
    generator.dispose();
    return found.flat();
  };

  it('does not depend on what is generated beside it', async () => {
    const prompts = [ids(3), ids(17), ids(9)];
    const together = await continued({}, prompts);
    for (const [i, prompt] of prompts.entries()) {
      expect(together[i]!.ids).toEqual((await continued({}, [prompt]))[0]!.ids);
    }
  });

  it('takes weights of 8 and 4 bits', async () => {
    const prompt = ids(10);
    const [exact] = await continued({}, [prompt]);
    for (const [precision, tolerance] of [
      ['int8', 0.1],
      ['int4', 0.6],
    ] as const) {
      const [rounded] = await continued({ precision }, [prompt]);
      const difference = rounded!.logProbabilities[0]! - exact!.logProbabilities[0]!;
      expect(Math.abs(difference), precision).toBeLessThan(tolerance);
      expect(difference, precision).not.toBe(0);
    }
  });

  it('is exported as two graphs', async () => {
    const dir = join(folder, 'exported');
    await saveModel(dir, { config, weights });
    const { prompt, next } = await exportGenerator(dir);
    expect([prompt.path, next.path]).toEqual([join(dir, 'prompt.onnx'), join(dir, 'next.onnx')]);
  });
});

it('computes with an adapter what the merged weights compute', async () => {
  const lora = { rank: 2, alpha: 4, targets: PROJECTIONS };
  const adapter = Object.fromEntries(
    Object.entries(initAdapter(config, lora, weights, { uniform })).map(([name, { shape, data }]) => [
      name,
      float32(
        shape,
        data.map(() => 0.2 * (uniform() - 0.5)),
      ),
    ]),
  );
  const tokens = int32([2, 12], ids(24));
  const last = int32([2], [11, 11]);
  const plain = (w: ModelTensors, { tokens: t, last: l }: Omit<Inputs, 'weights'>) => ({
    logits: labelLogits(config, w, t, l, [3, 5, 9]),
  });
  const run = compile(({ weights: w, adapter: a, ...rest }: Inputs & { adapter: WeightTensors }) =>
    plain(adaptedWeights(config, lora, w, a), rest),
  );
  const merged = compile(({ weights: w, ...rest }: Inputs) => plain(w, rest));
  const found = await run({ weights, adapter, tokens, last });
  const expected = await merged({ weights: mergeAdapter(config, lora, weights, adapter), tokens, last });
  expect(maxRelativeDifference(found, expected)).toBeLessThan(1e-4);
});

describe('GGUF', () => {
  const real = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(6);
    bytes.writeFloatLE(value, 4);
    return bytes;
  };

  /** The fixture as llama.cpp writes it: names of its own, and gains in the place of weights of norms. */
  function written(): Buffer {
    let offset = 0;
    const entries = Object.entries(weightShapes(config)).map(([name, shape]) => {
      const data = weights[name]!.data;
      const stored = name.endsWith('norm.weight') ? data.map((value) => value + 1) : data;
      const entry = { name: ggufName(name, config), shape: shape.toReversed().map(BigInt), offset, stored };
      offset += 32 * Math.ceil((4 * data.length) / 32);
      return entry;
    });
    const key = (name: string, value: Buffer) => [`gemma2.${name}`, value] as const;
    const file = ggufFile({
      metadata: [
        ['general.architecture', text('gemma2')],
        key('block_count', uint32(config.numHiddenLayers)),
        key('context_length', uint32(config.maxPositionEmbeddings)),
        key('embedding_length', uint32(config.hiddenSize)),
        key('feed_forward_length', uint32(config.intermediateSize)),
        key('attention.head_count', uint32(config.numAttentionHeads)),
        key('attention.head_count_kv', uint32(config.numKeyValueHeads)),
        key('attention.key_length', uint32(config.headDim)),
        key('attention.value_length', uint32(config.headDim)),
        key('attention.layer_norm_rms_epsilon', real(config.rmsNormEps)),
        key('attention.sliding_window', uint32(8)),
        key('attn_logit_softcapping', real(5)),
        key('final_logit_softcapping', real(3)),
      ],
      tensors: entries.map((entry) => ({ ...entry, type: 0, offset: BigInt(entry.offset) })),
      dataBytes: offset,
    });
    for (const { offset: start, stored } of entries) {
      const at = file.length - offset + start;
      Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).copy(file, at);
    }
    return file;
  }

  it('gives the same configuration and weights as the directory', async () => {
    const path = join(folder, 'model.gguf');
    await writeFile(path, written());
    const loaded = await loadGgufWeights(path);
    // The file has no scale of the queries: llama.cpp takes the width of a head, but for the 27B model.
    expect(loaded.config).toEqual({
      ...config,
      queryPreAttnScalar: 16,
      bosTokenId: undefined,
      padTokenId: undefined,
    });
    expect(maxRelativeDifference(loaded.weights, weights)).toBeLessThan(1e-6);
  });
});
