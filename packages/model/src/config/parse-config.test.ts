import { describe, expect, it } from 'vitest';
import { ModelError } from '../error.js';
import { FAMILIES } from '../families/index.js';
import { configToJson } from './config-json.js';
import { longestSequence, type ModelConfig, withHead } from './model-config.js';
import { parseConfig } from './parse-config.js';

const sizes = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  vocab_size: 100,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
};

function failure(change: Record<string, unknown>): ModelError {
  try {
    parseConfig({ ...sizes, ...change }, 'config.json');
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    return error as ModelError;
  }
  throw new Error('the configuration was accepted');
}

describe('parseConfig', () => {
  it('gives absent fields the defaults of transformers', () => {
    expect(parseConfig(sizes, 'config.json')).toEqual({
      architecture: 'LlamaForCausalLM',
      vocabSize: 100,
      hiddenSize: 32,
      intermediateSize: 64,
      numHiddenLayers: 2,
      numAttentionHeads: 4,
      numKeyValueHeads: 4,
      headDim: 8,
      rmsNormEps: 1e-6,
      ropeTheta: 10_000,
      maxPositionEmbeddings: 2048,
      tieWordEmbeddings: false,
    });
  });

  it('reads the fields that decide numbers and ignores those that do not', () => {
    const config = parseConfig(
      {
        ...sizes,
        num_key_value_heads: 2,
        head_dim: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 500_000,
        rope_scaling: null,
        max_position_embeddings: 8192,
        tie_word_embeddings: true,
        bos_token_id: 1,
        eos_token_id: [2, 3],
        pad_token_id: null,
        hidden_act: 'silu',
        attention_bias: false,
        attention_dropout: 0.1,
        mlp_bias: null,
        pretraining_tp: 2,
        sliding_window: null,
        use_sliding_window: false,
        max_window_layers: 21,
        use_mrope: false,
        partial_rotary_factor: 1.0,
        quantization_config: null,
        auto_map: {},
        num_experts: 0,
        embedding_multiplier: 1,
        is_causal: true,
        output_attentions: true,
        _attn_implementation: 'flash_attention_2',
        attention_implementation: 'sdpa',
        'transformers.js_config': { dtype: 'q4' },
        temperature: 0.7,
        repetition_penalty: 1.1,
        max_length: 4096,
        max_sequence_length: 16_384,
        gradient_checkpointing: true,
        notes_of_the_author: ['anything'],
        initializer_range: 0.041666666666666664,
        rope_interleaved: false,
        torch_dtype: 'bfloat16',
        transformers_version: '4.40.1',
        use_cache: true,
      },
      'config.json',
    );
    expect(config).toMatchObject({
      numKeyValueHeads: 2,
      headDim: 16,
      rmsNormEps: 1e-5,
      ropeTheta: 500_000,
      maxPositionEmbeddings: 8192,
      tieWordEmbeddings: true,
      bosTokenId: 1,
      eosTokenId: [2, 3],
    });
    expect(config.padTokenId).toBeUndefined();
  });

  it('reads rope_parameters, which newer versions of transformers write', () => {
    const rope_parameters = { rope_type: 'default', rope_theta: 7 };
    expect(parseConfig({ ...sizes, rope_parameters }, 'config.json').ropeTheta).toBe(7);
    expect(failure({ rope_parameters, rope_theta: 8 }).message).toContain('rope_theta is given twice');
  });

  const llama3 = {
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  };
  it('reads the rotary scaling of Llama 3.1, as older and newer files say it', () => {
    const ropeScaling = {
      type: 'llama3',
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositionEmbeddings: 8192,
    };
    const older = { rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', ...llama3 } };
    const newer = { rope_parameters: { rope_type: 'llama3', rope_theta: 5e5, ...llama3 } };
    for (const change of [older, newer]) {
      expect(parseConfig({ ...sizes, ...change }, 'config.json')).toMatchObject({
        ropeTheta: 5e5,
        ropeScaling,
      });
    }
  });

  const family = (name: string, change: object = {}) =>
    parseConfig(
      { ...sizes, model_type: name.toLowerCase(), architectures: [`${name}ForCausalLM`], ...change },
      'config.json',
    );

  it('gives the other families the defaults of transformers', () => {
    const heads = { num_attention_heads: 32, hidden_size: 256 };
    expect(family('Qwen2', heads)).toMatchObject({ numKeyValueHeads: 32, headDim: 8 });
    expect(family('Qwen3', heads)).toMatchObject({ numKeyValueHeads: 32, headDim: 128 });
    expect(family('Mistral', heads)).toMatchObject({ numKeyValueHeads: 8, slidingWindow: 4096 });
    expect(family('Qwen3', { num_key_value_heads: 2, head_dim: null }).headDim).toBe(8);
  });

  it('reads the other scalings, and takes values that change nothing for none', () => {
    const scaling = (rope_scaling: object, more: object = {}) =>
      parseConfig({ ...sizes, rope_scaling, ...more }, 'config.json').ropeScaling;
    expect(scaling({ type: 'linear', factor: 4 })).toEqual({ type: 'linear', factor: 4 });
    expect(scaling({ rope_type: 'dynamic', type: 'dynamic', factor: 2 })).toEqual({
      type: 'dynamic',
      factor: 2,
      originalMaxPositionEmbeddings: 2048,
    });
    const yarn = scaling({ type: 'yarn', factor: 4, original_max_position_embeddings: 512 });
    expect(yarn).toMatchObject({ type: 'yarn', betaFast: 32, betaSlow: 1, isTruncated: true });
    expect(yarn).toHaveProperty('attentionFactor', 0.1 * Math.log(4) + 1);
    const neutral = [
      {},
      { type: 'default' },
      { type: 'default', rope_theta: 10_000, partial_rotary_factor: 1 },
      { type: 'linear', factor: 1 },
      { rope_type: 'yarn', factor: 1 },
      { rope_type: 'llama3', ...llama3, factor: 1 },
      { type: 'default', mrope_section: null },
    ];
    for (const fields of neutral) expect(scaling(fields), JSON.stringify(fields)).toBeUndefined();
    // Beside the scaling, the original context counts.
    const inside = { type: 'yarn', factor: 4, original_max_position_embeddings: 512 };
    expect(scaling(inside, { original_max_position_embeddings: 256 })).toHaveProperty(
      'originalMaxPositionEmbeddings',
      256,
    );
  });

  it('takes both spellings of a scaling where they are equal', () => {
    const both = {
      rope_theta: 5e5,
      rope_scaling: { type: 'linear', factor: 2 },
      rope_parameters: { rope_type: 'linear', factor: 2, rope_theta: 5e5 },
    };
    expect(parseConfig({ ...sizes, ...both }, 'config.json')).toMatchObject({
      ropeTheta: 5e5,
      ropeScaling: { type: 'linear', factor: 2 },
    });
  });

  it('reads the windows of Qwen, which without use_sliding_window have no effect', () => {
    const inert = {
      num_key_value_heads: 2,
      num_hidden_layers: 3,
      sliding_window: 32_768,
      max_window_layers: 1,
      use_sliding_window: false,
    };
    const [full, sliding] = ['full_attention', 'sliding_attention'];
    expect(family('Qwen2', inert).slidingWindow).toBeUndefined();
    const used = { ...inert, use_sliding_window: true };
    expect(family('Qwen2', used)).toMatchObject({
      slidingWindow: 32_768,
      layerTypes: [full, sliding, sliding],
    });
    expect(family('Qwen2', { ...used, max_window_layers: 3 }).slidingWindow).toBeUndefined();
    expect(family('Qwen3', { ...used, max_window_layers: 0 }).layerTypes).toBeUndefined();
    expect(family('Qwen3', { ...used, layer_types: [sliding, full, full] })).toMatchObject({
      layerTypes: [sliding, full, full],
    });
    expect(() => family('Qwen3', { ...inert, layer_types: [sliding, full, full] })).toThrow(
      /there is no sliding_window/,
    );
    expect(() => family('Qwen3', { ...used, layer_types: [sliding] })).toThrow(/1 entries for 3 layers/);
  });

  it('lets sequences be longer than the window, and as long as a scaling makes them', () => {
    const mistral = (change: object) =>
      longestSequence(
        family('Mistral', { num_key_value_heads: 2, max_position_embeddings: 8192, ...change }),
      );
    expect(mistral({})).toBe(8192);
    expect(mistral({ rope_scaling: { type: 'linear', factor: 2 } })).toBe(16_384);
    const yarn = { type: 'yarn', factor: 4, original_max_position_embeddings: 8192 };
    expect(mistral({ rope_scaling: yarn })).toBe(32_768);
  });

  const refused: [Record<string, unknown>, string][] = [
    [
      { model_type: 'gemma' },
      `model_type: only ${Object.values(FAMILIES)
        .map(({ modelType }) => `"${modelType}"`)
        .join(', ')} are supported`,
    ],
    [{ model_type: 'qwen3' }, 'architectures says Llama and model_type qwen3'],
    [{ architectures: ['LlamaForQuestionAnswering'] }, 'architectures[0]:'],
    [{ architectures: [] }, 'architectures:'],
    [{ rope_scaling: { rope_type: 'llama3', factor: 8 } }, 'rope_scaling.low_freq_factor:'],
    [
      { rope_scaling: { rope_type: 'llama3', ...llama3, high_freq_factor: 1 } },
      'high_freq_factor is not above',
    ],
    [{ rope_scaling: { type: 'longrope', factor: 2 } }, 'rope_scaling.rope_type: only "default", "linear"'],
    [{ rope_parameters: { rope_type: 'su', rope_theta: 1 } }, 'not "su"'],
    [{ rope_scaling: { type: 'linear' } }, 'rope_scaling.factor:'],
    [{ rope_scaling: { factor: 2 } }, 'rope_scaling.rope_type is missing'],
    [{ rope_scaling: { type: 'linear', rope_type: 'yarn', factor: 2 } }, 'rope_type is "yarn", and type is'],
    [{ rope_scaling: { type: 'default', mrope_section: [1, 2] } }, '"mrope_section" is not supported'],
    [{ rope_scaling: { type: 'yarn', factor: 2, beta_fast: 0.5 } }, 'beta_fast is below beta_slow'],
    [{ rope_parameters: {}, rope_scaling: { type: 'linear', factor: 2 } }, 'with different values'],
    [{ partial_rotary_factor: 0.5 }, 'partial_rotary_factor: only 1 is supported'],
    [{ rope_interleaved: true }, 'rope_interleaved: only false is supported'],
    [{ hidden_act: 'gelu' }, 'hidden_act: only "silu" is supported'],
    [{ sliding_window: 4096 }, 'sliding_window: is not supported'],
    [{ use_sliding_window: true }, 'use_sliding_window: only false'],
    [{ layer_types: ['sliding_attention', 'full_attention'] }, 'layer_types[0]: only'],
    [{ is_causal: false }, 'is_causal: only true is supported'],
    [{ use_mrope: true }, '"use_mrope" is not supported with the value "true"'],
    [{ num_experts: 8 }, '"num_experts" is not supported'],
    [{ residual_multiplier: 0.2 }, '"residual_multiplier" is not supported'],
    [{ quantization_config: { bits: 4 } }, '"quantization_config"'],
    [{ auto_map: { AutoModel: 'x' } }, '"auto_map"'],
    [{ vocab_size: undefined }, 'vocab_size:'],
    [{ hidden_size: 32.5 }, 'hidden_size:'],
    [{ num_hidden_layers: 1e9 }, 'num_hidden_layers:'],
    [{ rms_norm_eps: 0 }, 'rms_norm_eps:'],
    [{ num_attention_heads: 5 }, 'num_attention_heads does not divide hidden_size'],
    [{ num_key_value_heads: 3 }, 'num_key_value_heads does not divide num_attention_heads'],
    [{ head_dim: 7 }, 'head_dim 7 is odd'],
    [{ eos_token_id: [2, 100] }, 'a special token id is not below vocab_size'],
  ];
  it.each(refused)('refuses %j by name', (change, message) => {
    const error = failure(change);
    expect(error.code).toBe('bad-config');
    expect(error.message).toContain('config.json: ');
    expect(error.message).toContain(message);
  });

  it('takes a sequence classifier with one label only', () => {
    const architectures = ['LlamaForSequenceClassification'];
    const parse = (change: object) => parseConfig({ ...sizes, architectures, ...change }, 'config.json');
    expect(parse({ num_labels: 1 }).architecture).toBe('LlamaForSequenceClassification');
    expect(parse({ id2label: { 0: 'LABEL_0' } }).architecture).toBe('LlamaForSequenceClassification');
    expect(failure({ architectures }).message).toContain('only one label is supported');
    expect(failure({ architectures, id2label: { 0: 'a', 1: 'b' } }).message).toContain('only one label');
    expect(failure({ architectures, id2label: { 0: 'a' }, num_labels: 2 }).message).toContain(
      'only one label',
    );
  });

  const scorer = { architectures: ['GramLlamaForSequenceClassification'], num_labels: 1 };
  it('takes a score head of ours under a type of ours, and a language head beside a score', () => {
    const own = parseConfig(
      { ...sizes, ...scorer, model_type: 'gram_llama', score_head: { hidden_size: 7 } },
      'config.json',
    );
    expect(own).toMatchObject({
      architecture: 'LlamaForSequenceClassification',
      scoreHead: { hiddenSize: 7 },
    });
    const linear = { architectures: ['LlamaForSequenceClassification'], num_labels: 1 };
    const both = parseConfig({ ...sizes, ...linear, keeps_language_head: true }, 'config.json');
    expect(both.keepsLanguageHead).toBe(true);
    expect(withHead(both, 'next-token')).not.toHaveProperty('keepsLanguageHead');
    expect(withHead(own, 'next-token')).not.toHaveProperty('scoreHead');
    expect(withHead(own, 'score')).toEqual(own);
  });

  it('refuses heads of ours where others would not see them, or where there is no score', () => {
    const head = { score_head: { hidden_size: 7 } };
    const plain = { ...scorer, architectures: ['LlamaForSequenceClassification'] };
    expect(failure({ ...plain, ...head }).message).toContain('has a model_type that begins with gram_');
    expect(failure({ ...scorer, ...head }).message).toContain('architectures[0]:');
    expect(failure({ ...scorer, model_type: 'gram_llama' }).message).toContain('models with a score_head');
    expect(failure({ ...scorer, ...head, model_type: 'gram_gemma' }).message).toContain('model_type: only');
    expect(failure({ keeps_language_head: true }).message).toContain('are for models that score');
    expect(failure({ ...plain, score_head: { hidden_size: 0 } }).message).toContain('score_head.hidden_size');
  });

  it('refuses what is not an object', () => {
    for (const json of [null, [], 'llama', 3])
      expect(() => parseConfig(json, 'config.json')).toThrow(ModelError);
  });
});

describe('configToJson', () => {
  it('is read back as the same configuration', () => {
    const causal: ModelConfig = {
      architecture: 'LlamaForCausalLM',
      vocabSize: 50,
      hiddenSize: 24,
      intermediateSize: 40,
      numHiddenLayers: 3,
      numAttentionHeads: 6,
      numKeyValueHeads: 2,
      headDim: 10,
      rmsNormEps: 1e-5,
      ropeTheta: 1234,
      maxPositionEmbeddings: 77,
      tieWordEmbeddings: true,
      bosTokenId: 3,
      eosTokenId: [4, 5],
    };
    const classifier: ModelConfig = {
      ...causal,
      architecture: 'LlamaForSequenceClassification',
      padTokenId: 0,
    };
    const more: Partial<ModelConfig>[] = [
      {},
      {
        ropeScaling: {
          type: 'llama3',
          factor: 8,
          lowFreqFactor: 1,
          highFreqFactor: 4,
          originalMaxPositionEmbeddings: 64,
        },
        attentionBias: true,
        mlpBias: true,
      },
      { architecture: 'MistralForCausalLM' },
      { architecture: 'MistralForCausalLM', slidingWindow: 32 },
      { architecture: 'Qwen2ForCausalLM' },
      {
        architecture: 'Qwen2ForCausalLM',
        slidingWindow: 8,
        layerTypes: ['full_attention', 'sliding_attention', 'full_attention'],
      },
      { ropeScaling: { type: 'linear', factor: 1.5 } },
      { ropeScaling: { type: 'dynamic', factor: 2, originalMaxPositionEmbeddings: 77 } },
      { architecture: 'Qwen3ForSequenceClassification', attentionBias: true },
    ];
    const scoring: Partial<ModelConfig>[] = [
      {},
      { scoreHead: { hiddenSize: 1024 } },
      { keepsLanguageHead: true, tieWordEmbeddings: false },
      { architecture: 'MistralForSequenceClassification', scoreHead: { hiddenSize: 3 } },
      {
        architecture: 'Qwen3ForSequenceClassification',
        scoreHead: { hiddenSize: 3 },
        keepsLanguageHead: true,
      },
    ];
    const all = [
      ...more.map((change) => ({ ...causal, ...change })),
      ...scoring.map((change) => ({ ...classifier, ...change })),
    ];
    for (const config of all) {
      const json: unknown = JSON.parse(JSON.stringify(configToJson(config)));
      expect(parseConfig(json, 'config')).toEqual(config);
    }
  });
});
