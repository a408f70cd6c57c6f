import { defineFamily, LLAMA_NORMS } from './family.js';
import { layerTypes, layerTypesField, or, siluField, size, windowsOf } from './fields.js';

const DEFAULT_WINDOW = 4096;

/** Mistral 7B (Jiang et al. 2023), whose layers all have the window. llama.cpp writes it to GGUF files as a Llama. */
export const mistral = defineFamily({
  modelType: 'mistral',
  fields: { ...siluField, sliding_window: size.nullish(), layer_types: layerTypesField },
  defaults: { maxPositionEmbeddings: 131_072, numKeyValueHeads: 8 },
  read(fields, layers) {
    const window = or(fields.sliding_window, DEFAULT_WINDOW);
    const usual = layerTypes(layers, () => window !== undefined);
    if (fields.layer_types && fields.layer_types.join() !== usual.join()) {
      // transformers has no such field for this family.
      return 'layer_types: only the same attention in all layers is supported, with sliding_window or without';
    }
    return windowsOf(window, usual, layers);
  },
  write: ({ slidingWindow }) => ({
    hidden_act: 'silu',
    // Null, because an absent field means the default.
    sliding_window: slidingWindow ?? null,
  }),
  decoder: { norms: LLAMA_NORMS, activation: 'silu', biases: () => [] },
});
