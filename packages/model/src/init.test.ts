import { sizeOf } from '@gram/engine';
import { expect, it } from 'vitest';
import type { ModelConfig } from './config/model-config.js';
import { parseConfig } from './config/parse-config.js';
import { parameterCount, weightShapes } from './config/weight-shapes.js';
import { initWeights } from './init.js';

const config = parseConfig(
  {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    vocab_size: 120,
    hidden_size: 64,
    intermediate_size: 96,
    num_hidden_layers: 2,
    num_attention_heads: 8,
    num_key_value_heads: 2,
  },
  'config',
);

it('names the weights as Hugging Face does', () => {
  const shapes = weightShapes(config);
  expect(Object.keys(shapes)).toHaveLength(3 + 2 * 9);
  expect(shapes).toMatchObject({
    'model.embed_tokens.weight': [120, 64],
    'model.layers.1.input_layernorm.weight': [64],
    'model.layers.1.self_attn.q_proj.weight': [64, 64],
    'model.layers.1.self_attn.k_proj.weight': [16, 64],
    'model.layers.1.self_attn.v_proj.weight': [16, 64],
    'model.layers.1.self_attn.o_proj.weight': [64, 64],
    'model.layers.1.post_attention_layernorm.weight': [64],
    'model.layers.1.mlp.gate_proj.weight': [96, 64],
    'model.layers.1.mlp.up_proj.weight': [96, 64],
    'model.layers.1.mlp.down_proj.weight': [64, 96],
    'model.norm.weight': [64],
    'lm_head.weight': [120, 64],
  });
  const wide = weightShapes({ ...config, headDim: 10 });
  expect(wide['model.layers.0.self_attn.q_proj.weight']).toEqual([80, 64]);
  expect(wide['model.layers.0.self_attn.o_proj.weight']).toEqual([64, 80]);
});

it('has one head, or none where it is tied', () => {
  const heads = (change: Partial<ModelConfig>) =>
    Object.keys(weightShapes({ ...config, ...change })).filter((name) => /^(lm_head|score)/.test(name));
  const architecture = 'LlamaForSequenceClassification';
  expect(heads({})).toEqual(['lm_head.weight']);
  expect(heads({ tieWordEmbeddings: true })).toEqual([]);
  expect(heads({ architecture })).toEqual(['score.weight']);
  expect(heads({ architecture, tieWordEmbeddings: true })).toEqual(['score.weight']);
  const both = { architecture, keepsLanguageHead: true } as const;
  expect(heads(both)).toEqual(['lm_head.weight', 'score.weight']);
  expect(heads({ ...both, tieWordEmbeddings: true })).toEqual(['score.weight']);
});

it('begins a score head of two layers with normal matrices and biases of zero', () => {
  const scoring: ModelConfig = {
    ...config,
    architecture: 'LlamaForSequenceClassification',
    scoreHead: { hiddenSize: 10 },
  };
  const weights = initWeights(scoring, { normal: () => 1 });
  const head = Object.entries(weights).filter(([name]) => name.startsWith('score'));
  expect(head.map(([name, { shape, data }]) => [name, shape, data[0]])).toEqual([
    ['score.0.weight', [10, 64], Math.fround(0.02)],
    ['score.0.bias', [10], 0],
    ['score.2.weight', [1, 10], Math.fround(0.02)],
    ['score.2.bias', [1], 0],
  ]);
  expect(weights['lm_head.weight']).toBeUndefined();
});

it('counts the published number of parameters of SmolLM2-135M', () => {
  const smol: ModelConfig = {
    ...config,
    vocabSize: 49152,
    hiddenSize: 576,
    intermediateSize: 1536,
    numHiddenLayers: 30,
    numAttentionHeads: 9,
    numKeyValueHeads: 3,
    headDim: 64,
    tieWordEmbeddings: true,
  };
  expect(parameterCount(smol)).toBe(134_515_008);
});

it.each([0.02, 0.125])('draws matrices with their deviation, %d, and sets norms to one', (deviation) => {
  // A sequence of known variance 1: +1, -1, +1, ...
  let draws = 0;
  const weights = initWeights(config, { normal: () => (draws++ % 2 === 0 ? 1 : -1) }, deviation);
  expect(Object.keys(weights)).toEqual(Object.keys(weightShapes(config)));
  for (const [name, { data, shape }] of Object.entries(weights)) {
    const residual = name.includes('o_proj') || name.includes('down_proj');
    const wanted = name.includes('norm') ? 1 : residual ? deviation / Math.sqrt(4) : deviation;
    expect(shape).toEqual(weightShapes(config)[name]);
    expect(data.every((value) => Math.fround(wanted) === Math.abs(value))).toBe(true);
  }
  const drawn = Object.values(weightShapes(config)).filter((shape) => shape.length === 2);
  expect(draws).toBe(drawn.reduce((sum, shape) => sum + sizeOf(shape), 0));
});

it('begins norms with one and biases with zero', () => {
  const qwen: ModelConfig = { ...config, architecture: 'Qwen2ForCausalLM' };
  const weights = initWeights(qwen, { normal: () => 0.5 });
  const layer = 'model.layers.0';
  expect(new Set(weights[`${layer}.self_attn.k_proj.bias`]!.data)).toEqual(new Set([0]));
  expect(new Set(weights[`${layer}.input_layernorm.weight`]!.data)).toEqual(new Set([1]));
  expect(weights[`${layer}.self_attn.o_proj.bias`]).toBeUndefined();
});
