import { defineFamily, LLAMA_NORMS } from './family.js';
import { qwenWindowFields, readQwenWindows, siluField, writeQwenWindows } from './fields.js';

/** Qwen2 and Qwen2.5 (Yang et al. 2024): the queries, keys and values have biases. */
export const qwen2 = defineFamily({
  modelType: 'qwen2',
  fields: { ...siluField, ...qwenWindowFields },
  defaults: { maxPositionEmbeddings: 32_768, numKeyValueHeads: 32 },
  read: readQwenWindows,
  write: (config) => ({ hidden_act: 'silu', ...writeQwenWindows(config) }),
  decoder: { norms: LLAMA_NORMS, activation: 'silu', biases: () => ['q_proj', 'k_proj', 'v_proj'] },
  gguf: { architecture: 'qwen2', fields: () => ({}) },
});
