import { defineFamily, LLAMA_NORMS } from './family.js';
import { fullAttentionFields, siluField } from './fields.js';

/** Qwen2 and Qwen2.5 (Yang et al. 2024): the queries, keys and values have biases. */
export const qwen2 = defineFamily({
  modelType: 'qwen2',
  fields: { ...siluField, ...fullAttentionFields },
  defaults: { maxPositionEmbeddings: 32_768, numKeyValueHeads: 32 },
  read: () => ({}),
  write: () => ({ hidden_act: 'silu' }),
  decoder: { norms: LLAMA_NORMS, activation: 'silu', biases: () => ['q_proj', 'k_proj', 'v_proj'] },
  gguf: { architecture: 'qwen2', fields: () => ({}) },
});
