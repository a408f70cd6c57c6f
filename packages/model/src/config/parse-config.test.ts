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
        attention_dropout: 0.0,
        mlp_bias: false,
        pretraining_tp: 1,
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

  it('takes the fields of Qwen that have no effect, and refuses them where they have one', () => {
    const inert = {
      num_key_value_heads: 2,
      sliding_window: 32_768,
      max_window_layers: 21,
      use_sliding_window: false,
      layer_types: ['full_attention', 'full_attention'],
    };
    expect(family('Qwen2', inert).slidingWindow).toBeUndefined();
    expect(() => family('Qwen2', { ...inert, use_sliding_window: true })).toThrow(/use_sliding_window/);
    expect(() => family('Qwen3', { ...inert, layer_types: ['sliding_attention'] })).toThrow(/layer_types/);
  });

  it('keeps sequences within the sliding window of Mistral', () => {
    expect(longestSequence(family('Mistral', { num_key_value_heads: 2 }))).toBe(4096);
    expect(longestSequence(family('Mistral', { num_key_value_heads: 2, sliding_window: null }))).toBe(
      131_072,
    );
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
    [{ rope_scaling: { rope_type: 'llama3', factor: 8 } }, 'rope_scaling.the rotary scaling llama3 needs'],
    [
      { rope_scaling: { rope_type: 'llama3', ...llama3, high_freq_factor: 1 } },
      'high_freq_factor is not above',
    ],
    [{ rope_scaling: { type: 'linear', factor: 2 } }, 'rope_scaling.rope_type: only "default" and "llama3"'],
    [{ rope_parameters: { rope_type: 'yarn', rope_theta: 1 } }, 'not "yarn"'],
    [{ rope_parameters: {}, rope_scaling: {} }, 'are both given'],
    [{ rope_interleaved: true }, 'rope_interleaved: only false is supported'],
    [{ hidden_act: 'gelu' }, 'hidden_act: only "silu" is supported'],
    [{ pretraining_tp: 2 }, 'pretraining_tp: only 1 is supported'],
    [{ attention_dropout: 0.1 }, 'attention_dropout: only 0 is supported'],
    [{ sliding_window: 4096 }, '"sliding_window"'],
    [{ quantization_config: {} }, '"quantization_config"'],
    [{ auto_map: {} }, '"auto_map"'],
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
