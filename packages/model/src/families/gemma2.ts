import { z } from 'zod';
import { defineFamily } from './family.js';
import { biasField, layerTypes, layerTypesField, layerTypesOf, only, or, size, windowsOf } from './fields.js';
import { ATTENTION_PROJECTIONS } from './projections.js';

/** Layers of the 27B model, whose queries llama.cpp scales in another way. */
const LAYERS_OF_27B = 46;

const positive = z.number().positive();
const gelu = only('gelu_pytorch_tanh');

/**
 * Gemma 2 (Gemma Team 2024): norms before and after each block with gains of one plus the weight, embeddings scaled by the
 * root of the hidden size, a window in every other layer, and soft caps on the scores of attention and on the logits.
 */
export const gemma2 = defineFamily({
  modelType: 'gemma2',
  fields: {
    hidden_activation: gelu.default('gelu_pytorch_tanh'),
    // Older files have it beside the other one, which counts.
    hidden_act: z.unknown().optional(),
    attention_bias: biasField,
    query_pre_attn_scalar: positive.default(256),
    attn_logit_softcapping: positive.nullish(),
    final_logit_softcapping: positive.nullish(),
    sliding_window: size.nullish(),
    layer_types: layerTypesField,
    use_bidirectional_attention: only(false).nullish(),
    cache_implementation: z.unknown().optional(),
  },
  floatFields: ['attn_logit_softcapping', 'final_logit_softcapping'],
  defaults: { maxPositionEmbeddings: 8192, numKeyValueHeads: 4, headDim: 256, tieWordEmbeddings: true },
  read(fields, layers) {
    const window = or(fields.sliding_window, 4096);
    const usual = layerTypes(layers, (layer) => window !== undefined && layer % 2 === 0);
    const windows = windowsOf(window, fields.layer_types ?? usual, layers);
    if (typeof windows === 'string') return windows;
    return {
      ...windows,
      attentionBias: fields.attention_bias || undefined,
      queryPreAttnScalar: fields.query_pre_attn_scalar,
      attnLogitSoftcapping: or(fields.attn_logit_softcapping, 50),
      finalLogitSoftcapping: or(fields.final_logit_softcapping, 30),
    };
  },
  write: (config) => ({
    hidden_activation: 'gelu_pytorch_tanh',
    attention_bias: config.attentionBias ?? false,
    query_pre_attn_scalar: config.queryPreAttnScalar ?? config.headDim,
    // Null, because absent fields mean the defaults.
    attn_logit_softcapping: config.attnLogitSoftcapping ?? null,
    final_logit_softcapping: config.finalLogitSoftcapping ?? null,
    sliding_window: config.slidingWindow ?? null,
    layer_types: layerTypesOf(config),
  }),
  decoder: {
    norms: {
      attention: { before: 'input_layernorm', after: 'post_attention_layernorm' },
      feedForward: { before: 'pre_feedforward_layernorm', after: 'post_feedforward_layernorm' },
    },
    gainOffset: 1,
    activation: 'gelu-tanh',
    biases: ({ attentionBias }) => (attentionBias ? ATTENTION_PROJECTIONS : []),
    embeddingScale: ({ hiddenSize }) => Math.sqrt(hiddenSize),
  },
  gguf: {
    architecture: 'gemma2',
    names: {
      post_attention_layernorm: 'post_attention_norm',
      pre_feedforward_layernorm: 'ffn_norm',
      post_feedforward_layernorm: 'post_ffw_norm',
    },
    keys: ['attention.sliding_window', 'attn_logit_softcapping', 'final_logit_softcapping'],
    fields({ number }, { headDim }) {
      const [width = headDim, heads = 1] = [number('embedding_length'), number('attention.head_count')];
      return {
        query_pre_attn_scalar: number('block_count') === LAYERS_OF_27B ? width / heads : headDim,
        sliding_window: number('attention.sliding_window'),
        attn_logit_softcapping: number('attn_logit_softcapping'),
        final_logit_softcapping: number('final_logit_softcapping'),
      };
    },
  },
});
