/** The study on two cores in a few minutes. Sizes are small; the ratios between the models are the point. */
const training = { batchSize: 32, epochs: 1, warmupRatio: 0.1, weightDecay: 0.01, beta2: 0.98, seed: 1 };

export const laptop = {
  name: 'laptop',
  source: { kind: 'world' },
  seed: 7,
  data: {
    /** Pairs of responses without labels, for stage 1. */
    unlabeled: 16_000,
    /** Labeled pairs, for stage 2 and both baselines. */
    labeled: 20_000,
    /** Test pairs of each distribution. */
    test: 1000,
    /** Texts that the tokenizer is trained on. */
    tokenizerTexts: 4000,
  },
  tokenizer: { vocabSize: 1024 },
  judgePrompt: 'gram-compact-1',
  maxLength: 1024,
  overlong: 'error',
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
    standardDeviation: 0.08,
  },
  stage1: { ...training, learningRate: 2e-3 },
  stage2: { ...training, learningRate: 5e-4, labelSmoothing: 0.1 },
  vanilla: { ...training, learningRate: 1e-3, labelSmoothing: 0 },
  discriminative: { ...training, learningRate: 1e-3 },
  /** Lists that are ranked at the end. */
  lists: { prompts: 4, size: 4 },
};
