import { defineFamily, LLAMA_NORMS } from './family.js';
import { biasField, fullAttentionFields, siluField } from './fields.js';
import { ATTENTION_PROJECTIONS, MLP_PROJECTIONS } from './projections.js';

/** Llama (Touvron et al. 2023), with the biases that some of its descendants have. */
export const llama = defineFamily({
  modelType: 'llama',
  fields: {
    ...siluField,
    ...fullAttentionFields,
    attention_bias: biasField,
    mlp_bias: biasField,
  },
  defaults: { maxPositionEmbeddings: 2048 },
  read: (fields) => ({
    attentionBias: fields.attention_bias || undefined,
    mlpBias: fields.mlp_bias || undefined,
  }),
  write: (config) => ({
    hidden_act: 'silu',
    attention_bias: config.attentionBias ?? false,
    mlp_bias: config.mlpBias ?? false,
  }),
  decoder: {
    norms: LLAMA_NORMS,
    activation: 'silu',
    biases: ({ attentionBias, mlpBias }) => [
      ...(attentionBias ? ATTENTION_PROJECTIONS : []),
      ...(mlpBias ? MLP_PROJECTIONS : []),
    ],
  },
  gguf: {
    architecture: 'llama',
    hasInterleavedHeads: true,
    fields: ({ hasTensor }) => ({
      attention_bias: hasTensor('blk.0.attn_q.bias'),
      mlp_bias: hasTensor('blk.0.ffn_gate.bias'),
    }),
  },
});
