const llama3 = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 128_256,
  headDim: 128,
  numKeyValueHeads: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 500_000,
  maxPositionEmbeddings: 131_072,
};

const scaling = (factor) => ({
  type: 'llama3',
  ...{ factor, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 8192 },
});

/** The models of the paper, as their `config.json` describes them. */
export const BACKBONES = {
  'Llama-3.1-8B': {
    ...llama3,
    hiddenSize: 4096,
    intermediateSize: 14_336,
    numHiddenLayers: 32,
    numAttentionHeads: 32,
    ropeScaling: scaling(8),
    tieWordEmbeddings: false,
  },
  'Llama-3.2-3B': {
    ...llama3,
    hiddenSize: 3072,
    intermediateSize: 8192,
    numHiddenLayers: 28,
    numAttentionHeads: 24,
    ropeScaling: scaling(32),
    tieWordEmbeddings: true,
  },
};
