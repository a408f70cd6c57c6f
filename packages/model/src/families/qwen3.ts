import { defineFamily, LLAMA_NORMS } from './family.js';
import { biasField, qwenWindowFields, readQwenWindows, siluField, writeQwenWindows } from './fields.js';
import { ATTENTION_PROJECTIONS } from './projections.js';

/** Qwen3 (Yang et al. 2025): each head of the queries and keys is normalized. */
export const qwen3 = defineFamily({
  modelType: 'qwen3',
  fields: { ...siluField, ...qwenWindowFields, attention_bias: biasField },
  defaults: { maxPositionEmbeddings: 32_768, numKeyValueHeads: 32, headDim: 128 },
  read(fields, layers) {
    const windows = readQwenWindows(fields, layers);
    if (typeof windows === 'string') return windows;
    return { ...windows, attentionBias: fields.attention_bias || undefined };
  },
  write: (config) => ({
    hidden_act: 'silu',
    attention_bias: config.attentionBias ?? false,
    ...writeQwenWindows(config),
  }),
  decoder: {
    norms: LLAMA_NORMS,
    activation: 'silu',
    hasHeadNorms: true,
    biases: ({ attentionBias }) => (attentionBias ? ATTENTION_PROJECTIONS : []),
  },
  gguf: {
    architecture: 'qwen3',
    fields: ({ hasTensor }) => ({ attention_bias: hasTensor('blk.0.attn_q.bias') }),
  },
});
