/**
 * The numbers of the study: small enough for two cores and a few minutes. What the paper uses on
 * eight large GPUs stands beside each; the ratios between the models are the point, not the sizes.
 */
export const recipe = {
  seed: 7,
  data: {
    /** Pairs of responses without labels, for stage 1 (paper: 400,000). */
    unlabeled: 16_000,
    /** Labeled pairs, for stage 2 and both baselines (paper: 400,000). */
    labeled: 20_000,
    /** Test pairs of each distribution. */
    test: 1000,
    /** Texts that the tokenizer is trained on. */
    tokenizerTexts: 4000,
  },
  tokenizer: { vocabSize: 1024 },
  judgePrompt: 'gram-compact-1',
  maxLength: 1024,
  model: {
    hiddenSize: 128,
    intermediateSize: 384,
    numHiddenLayers: 4,
    numAttentionHeads: 4,
    numKeyValueHeads: 2,
    headDim: 32,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    maxPositionEmbeddings: 1024,
    tieWordEmbeddings: true,
  },
  training: { batchSize: 32, epochs: 1, warmupRatio: 0.1, weightDecay: 0.01, seed: 1 },
  /** Learning rates (paper: 2e-5 for stage 1 and 1e-5 for the others, on pretrained models). */
  learningRate: { stage1: 2e-3, stage2: 1e-3, vanilla: 1e-3, discriminative: 1e-3 },
  /** Label smoothing of stage 2 (paper: 0.1). */
  labelSmoothing: 0.1,
  /** Lists that are ranked at the end. */
  lists: { prompts: 4, size: 4 },
};
