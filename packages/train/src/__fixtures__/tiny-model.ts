import type { ModelConfig } from '@gram/model';

/** A Llama decoder of one layer that trains in milliseconds. */
export const tinyModel: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 20,
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 64,
  tieWordEmbeddings: true,
};
