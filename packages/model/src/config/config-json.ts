import type { RopeScaling } from '../rope/scaling.js';
import { scalingOf } from '../rope/scalings.js';
import { familyOf, kindOf, type ModelConfig } from './model-config.js';
import { headFieldsJson, ownTypeJson } from './own-heads.js';

function ropeScalingJson(scaling: RopeScaling) {
  return { rope_type: scaling.type, ...scalingOf(scaling.type).write(scaling) };
}

/**
 * Writes the `config.json` of a model, as transformers and vLLM load it. `parseConfig` of the result gives `config` back. A
 * score head with a hidden layer is saved with a type of ours that they refuse, see `ownTypeJson`.
 *
 * @param dtype Element type of the saved weights. @default 'float32'
 */
export function configToJson(
  config: ModelConfig,
  dtype: 'float32' | 'bfloat16' = 'float32',
): Record<string, unknown> {
  const family = familyOf(config);
  return {
    architectures: [config.architecture],
    model_type: family.modelType,
    ...ownTypeJson(config),
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    num_key_value_heads: config.numKeyValueHeads,
    head_dim: config.headDim,
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    ...(config.ropeScaling && { rope_scaling: ropeScalingJson(config.ropeScaling) }),
    max_position_embeddings: config.maxPositionEmbeddings,
    tie_word_embeddings: config.tieWordEmbeddings,
    attention_dropout: 0,
    ...family.write(config),
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: config.eosTokenId ?? null,
    pad_token_id: config.padTokenId ?? null,
    torch_dtype: dtype,
    ...headFieldsJson(config),
    ...(config.mergedAdapters && { gram_merged_adapters: config.mergedAdapters }),
    ...(kindOf(config).head === 'score' && { id2label: { 0: 'score' }, label2id: { score: 0 } }),
  };
}

/**
 * Writes `config.json` as text. Python tells 50 from 50.0, and transformers refuses the first for a field that is a
 * floating-point number: whole values of the family's `floatFields` get a decimal.
 *
 * @param dtype Element type of the saved weights. @default 'float32'
 */
export function configText(config: ModelConfig, dtype?: 'float32' | 'bfloat16'): string {
  const { floatFields = [] } = familyOf(config);
  const text = JSON.stringify(configToJson(config, dtype), null, 2);
  const floats = text.replace(
    /^( {2}"(\w+)": -?\d+)(,?)$/gm,
    (line, field: string, name: string, comma: string) =>
      floatFields.includes(name) ? `${field}.0${comma}` : line,
  );
  return `${floats}\n`;
}
