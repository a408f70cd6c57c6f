import { defineFamily, LLAMA_NORMS } from './family.js';
import { siluField, size } from './fields.js';

const DEFAULT_WINDOW = 4096;

/**
 * Mistral 7B (Jiang et al. 2023). Its window limits the length of sequences instead: within it, attention is the same.
 * llama.cpp writes it to GGUF files as a Llama.
 */
export const mistral = defineFamily({
  modelType: 'mistral',
  fields: { ...siluField, sliding_window: size.nullish() },
  defaults: { maxPositionEmbeddings: 131_072, numKeyValueHeads: 8 },
  read: ({ sliding_window: window }) => ({
    slidingWindow: window === undefined ? DEFAULT_WINDOW : (window ?? undefined),
  }),
  write: ({ slidingWindow }) => ({
    hidden_act: 'silu',
    // Null, because an absent field means the default.
    sliding_window: slidingWindow ?? null,
  }),
  decoder: { norms: LLAMA_NORMS, activation: 'silu', biases: () => [] },
});
