import { z } from 'zod';
import { defineFamily, LLAMA_NORMS } from './family.js';
import { fullAttentionFields, siluField } from './fields.js';
import { ATTENTION_PROJECTIONS } from './projections.js';

/** Qwen3 (Yang et al. 2025): each head of the queries and keys is normalized. */
export const qwen3 = defineFamily({
  modelType: 'qwen3',
  fields: { ...siluField, ...fullAttentionFields, attention_bias: z.boolean().default(false) },
  defaults: { maxPositionEmbeddings: 32_768, numKeyValueHeads: 32, headDim: 128 },
  read: (fields) => ({ attentionBias: fields.attention_bias || undefined }),
  write: (config) => ({ hidden_act: 'silu', attention_bias: config.attentionBias ?? false }),
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
