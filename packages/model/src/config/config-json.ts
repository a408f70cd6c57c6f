import { kindOf, type ModelConfig, type RopeScaling } from './model-config.js';
import { headFieldsJson, ownTypeJson } from './own-heads.js';

function ropeScalingJson(scaling: RopeScaling) {
  return {
    rope_type: 'llama3',
    factor: scaling.factor,
    low_freq_factor: scaling.lowFreqFactor,
    high_freq_factor: scaling.highFreqFactor,
    original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
  };
}

/**
 * The `config.json` of a model, as transformers and vLLM load it. `parseConfig` of the result gives `config` back. A score head
 * with a hidden layer is saved with a type of ours that they refuse, see `ownTypeJson`.
 *
 * @param dtype of the saved weights. @default 'float32'
 */
export function configToJson(
  config: ModelConfig,
  dtype: 'float32' | 'bfloat16' = 'float32',
): Record<string, unknown> {
  const { family, head } = kindOf(config);
  const biased = family === 'Llama' || family === 'Qwen3';
  return {
    architectures: [config.architecture],
    model_type: family.toLowerCase(),
    ...ownTypeJson(config),
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    num_key_value_heads: config.numKeyValueHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    ...(config.ropeScaling && { rope_scaling: ropeScalingJson(config.ropeScaling) }),
    max_position_embeddings: config.maxPositionEmbeddings,
    // Null, because transformers has defaults of its own for absent fields.
    ...(family === 'Mistral' && { sliding_window: config.slidingWindow ?? null }),
    tie_word_embeddings: config.tieWordEmbeddings,
    ...(biased && { attention_bias: config.attentionBias ?? false }),
    attention_dropout: 0,
    ...(family === 'Llama' && { mlp_bias: config.mlpBias ?? false }),
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: config.eosTokenId ?? null,
    pad_token_id: config.padTokenId ?? null,
    torch_dtype: dtype,
    ...headFieldsJson(config),
    ...(head === 'score' && { id2label: { 0: 'score' }, label2id: { score: 0 } }),
  };
}
