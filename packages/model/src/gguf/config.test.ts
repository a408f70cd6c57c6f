import { describe, expect, it } from 'vitest';
import { listOf } from './__fixtures__/list-of.js';
import factors from './__fixtures__/rope-factors.json' with { type: 'json' };
import { configOfGguf } from './config.js';
import type { GgufHeader, GgufTensor } from './parse.js';
import type { GgufValue } from './read-header.js';
import { scalingOfFactors } from './rope-factors.js';

const base: Record<string, GgufValue> = {
  'general.architecture': 'llama',
  'llama.block_count': 2,
  'llama.context_length': 128,
  'llama.embedding_length': 64,
  'llama.feed_forward_length': 96,
  'llama.attention.head_count': 4,
  'llama.attention.layer_norm_rms_epsilon': Math.fround(1e-5),
  'tokenizer.ggml.tokens': listOf(['a', 'b']),
};

function header(changes: Record<string, GgufValue | undefined> = {}, names: string[] = []): GgufHeader {
  const entries = Object.entries({ ...base, ...changes }).filter(([, value]) => value !== undefined);
  const tensor = (shape: number[]): GgufTensor => ({ type: 'F32', shape, size: 1, start: 0, bytes: 4 });
  return {
    metadata: new Map(entries as [string, GgufValue][]),
    tensors: new Map([
      ['token_embd.weight', tensor([10, 64])],
      ...names.map((name) => [name, tensor([1])] as const),
    ]),
  };
}

const refusal = (changes: Record<string, GgufValue | undefined>, ropeFactors?: Float32Array) => {
  try {
    return configOfGguf(header(changes), ropeFactors, 'x.gguf');
  } catch (error) {
    return error;
  }
};

describe('configOfGguf', () => {
  it('takes the defaults of llama.cpp', () => {
    expect(configOfGguf(header(), undefined, 'x.gguf')).toEqual({
      architecture: 'LlamaForCausalLM',
      vocabSize: 10,
      hiddenSize: 64,
      intermediateSize: 96,
      numHiddenLayers: 2,
      numAttentionHeads: 4,
      numKeyValueHeads: 4,
      headDim: 16,
      rmsNormEps: 1e-5,
      ropeTheta: 10_000,
      maxPositionEmbeddings: 128,
      tieWordEmbeddings: true,
    });
  });

  it('reads biases and the head from the names of tensors', () => {
    const names = ['blk.0.attn_q.bias', 'blk.0.ffn_gate.bias', 'output.weight'];
    expect(configOfGguf(header({}, names), undefined, 'x.gguf')).toMatchObject({
      attentionBias: true,
      mlpBias: true,
      tieWordEmbeddings: false,
    });
  });

  it('takes the end of a turn for an end as well', () => {
    const ids = { 'tokenizer.ggml.eos_token_id': 3, 'tokenizer.ggml.eot_token_id': 4 };
    expect(configOfGguf(header(ids), undefined, 'x.gguf').eosTokenId).toEqual([3, 4]);
    const same = { ...ids, 'tokenizer.ggml.eot_token_id': 3 };
    expect(configOfGguf(header(same), undefined, 'x.gguf').eosTokenId).toBe(3);
  });

  it.each([
    { 'llama.expert_count': 0, 'llama.expert_used_count': 0 },
    { 'llama.rope.scaling.type': 'none', 'llama.rope.scaling.factor': 4 },
    { 'llama.rope.scaling.factor': 1 },
    { 'llama.rope.scaling.type': 'linear', 'llama.rope.scaling.factor': 0 },
    { 'llama.rope.scaling.original_context_length': 2048 },
    { 'llama.attention.sliding_window': 0 },
    { 'llama.attention.value_length': 16, 'llama.rope.dimension_count': 16, 'llama.vocab_size': 10 },
    { 'general.anything': 5n, 'quantize.imatrix.entries_count': 7 },
  ])('does not mind what changes nothing: %o', (changes) => {
    expect(refusal(changes)).toEqual(configOfGguf(header(), undefined, 'x.gguf'));
  });

  it('reads linear scaling, also without its name, and YaRN', () => {
    const scaling = (fields: Record<string, GgufValue>) => {
      const named = Object.entries(fields).map(([name, value]) => [`llama.rope.${name}`, value]);
      return configOfGguf(header(Object.fromEntries(named)), undefined, 'x.gguf').ropeScaling;
    };
    const linear = { type: 'linear', factor: 2 };
    expect(scaling({ 'scaling.type': 'linear', 'scaling.factor': 2 })).toEqual(linear);
    expect(scaling({ 'scaling.factor': 2 })).toEqual(linear);
    expect(scaling({ scale_linear: 2 })).toEqual(linear);
    const yarn = { 'scaling.type': 'yarn', 'scaling.factor': 4, 'scaling.original_context_length': 64 };
    expect(scaling(yarn)).toMatchObject({
      type: 'yarn',
      factor: 4,
      originalMaxPositionEmbeddings: 64,
      betaFast: 32,
      betaSlow: 1,
      attentionFactor: 1 + 0.1 * Math.log(4),
    });
    const more = { 'scaling.attn_factor': 0.5, 'scaling.yarn_beta_fast': 16, 'scaling.yarn_beta_slow': 2 };
    expect(scaling({ ...yarn, ...more })).toMatchObject({
      betaFast: 16,
      betaSlow: 2,
      attentionFactor: 0.5 * (1 + 0.1 * Math.log(4)),
    });
  });

  it.each<[string, Record<string, GgufValue>]>([
    ['llama.attention.sliding_window', { 'llama.attention.sliding_window': 4096 }],
    ['llama.expert_count', { 'llama.expert_count': 8 }],
    ['llama.logit_scale', { 'llama.logit_scale': 0.5 }],
    ['llama.attn_logit_softcapping', { 'llama.attn_logit_softcapping': 50 }],
    ['llama.final_logit_softcapping', { 'llama.final_logit_softcapping': 30 }],
    ['llama.attention.scale', { 'llama.attention.scale': 0.1 }],
    ['llama.pooling_type', { 'llama.pooling_type': 3 }],
    ['"longrope"', { 'llama.rope.scaling.type': 'longrope', 'llama.rope.scaling.factor': 2 }],
    ['llama.rope.scaling.yarn_ext_factor', { 'llama.rope.scaling.yarn_ext_factor': 0.5 }],
    ['llama.rope.dimension_count', { 'llama.rope.dimension_count': 8 }],
    ['llama.attention.value_length', { 'llama.attention.value_length': 8 }],
    ['"phi3"', { 'general.architecture': 'phi3' }],
    ['"toString"', { 'general.architecture': 'toString' }],
  ])('refuses %s by name', (name, changes) => {
    expect(refusal(changes)).toMatchObject({ code: 'bad-config', message: expect.stringContaining(name) });
  });

  it.each<[string, Record<string, GgufValue | undefined>]>([
    ['llama.block_count', { 'llama.block_count': undefined }],
    ['llama.block_count', { 'llama.block_count': -1 }],
    ['llama.feed_forward_length', { 'llama.feed_forward_length': listOf([96, 96]) }],
    ['llama.attention.layer_norm_rms_epsilon', { 'llama.attention.layer_norm_rms_epsilon': Number.NaN }],
    ['vocabulary', { 'llama.vocab_size': 11 }],
    ['vocabulary', { 'tokenizer.ggml.tokens': listOf(Array.from({ length: 11 }, String)) }],
  ])('refuses a broken %s', (name, changes) => {
    const error = refusal(changes);
    expect(error).toMatchObject({
      name: 'ModelError',
      code: 'bad-gguf',
      message: expect.stringContaining(name),
    });
  });

  it('checks the result as a config.json', () => {
    const error = refusal({ 'llama.attention.head_count_kv': 3 });
    expect(error).toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining('num_key_value_heads'),
    });
  });

  it('refuses factors of the rotary embedding that are not those of Llama 3', () => {
    const unlike = Float32Array.from({ length: 8 }, (_, i) => 1 + i);
    expect(refusal({}, unlike)).toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining('rope_freqs.weight'),
    });
    expect(refusal({}, new Float32Array(8).fill(1))).toMatchObject({
      ropeTheta: 10_000,
      ropeScaling: undefined,
    });
  });
});

describe('scalingOfFactors', () => {
  it.each(factors)(
    'recovers the factor $factor of the converter',
    ({ ropeTheta, headDim, factor, values }) => {
      const stored = Float32Array.from(values);
      expect(scalingOfFactors(stored, ropeTheta, headDim)).toEqual({
        type: 'llama3',
        factor,
        lowFreqFactor: 1,
        highFreqFactor: 4,
        originalMaxPositionEmbeddings: 8192,
      });
      const blended = stored.findIndex((value) => value > 1 && value < factor);
      const changed = stored.slice();
      changed[blended]! *= 1.001;
      expect(scalingOfFactors(changed, ropeTheta, headDim)).toBe('unknown');
      expect(scalingOfFactors(stored.subarray(1), ropeTheta, headDim)).toBe('unknown');
      expect(scalingOfFactors(stored, ropeTheta * 2, headDim)).toBe('unknown');
    },
  );
});
