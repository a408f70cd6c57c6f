import { z } from 'zod';
import { defineFamily, LLAMA_NORMS } from './family.js';
import { only, siluField } from './fields.js';
import { ATTENTION_PROJECTIONS, MLP_PROJECTIONS } from './projections.js';

/** Llama (Touvron et al. 2023), with the biases that some of its descendants have. */
export const llama = defineFamily({
  modelType: 'llama',
  fields: {
    ...siluField,
    attention_bias: z.boolean().default(false),
    mlp_bias: z.boolean().default(false),
    pretraining_tp: only(1).default(1),
    rope_interleaved: only(false).optional(),
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
