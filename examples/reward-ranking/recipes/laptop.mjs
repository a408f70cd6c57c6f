const training = { batchSize: 32, epochs: 1, warmupRatio: 0.1, weightDecay: 0.01, beta2: 0.98 };

/** The same training for every judge, so that arms differ in what their names say. */
const judging = {
  ...training,
  batchSize: 16,
  /** Number of epochs for each number of labels; a small set is read more often. */
  epochs: { 300: 4, 1000: 4, 4000: 2 },
  learningRate: 1e-3,
};

/** The study on two cores in a few minutes. Sizes are small: it compares the models with each other. */
export const laptop = {
  name: 'laptop',
  source: {
    kind: 'world',
    /** Stage 1 reads pairs of all families, as broad text would hold them; labels are of the training families only. */
    unlabeledFamilies: 'all',
    /** All seeds judge the same pairs, which no seed trains on. */
    testSeed: 0,
  },
  seeds: [1, 2, 3],
  tokenizer: { vocabSize: 768 },
  judgePrompt: 'gram-compact-1',
  maxLength: 1024,
  overlong: 'error',
  model: {
    hiddenSize: 64,
    intermediateSize: 192,
    numHiddenLayers: 3,
    numAttentionHeads: 4,
    numKeyValueHeads: 4,
    headDim: 16,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    maxPositionEmbeddings: 1024,
    tieWordEmbeddings: true,
    /** 1 / sqrt(hiddenSize): narrow models learn sooner with it than with 0.02. */
    standardDeviation: 0.125,
  },
  data: {
    /** Prompts and responses as texts of their own, which the model that every arm starts from has read. */
    texts: 16_000,
    /** Pairs of responses without labels, for stage 1. */
    unlabeled: 16_000,
    /** Numbers of labeled pairs. */
    labeled: [300, 1000, 4000],
    /** Test pairs of each distribution. */
    test: 1000,
    /** Texts that the tokenizer is trained on. */
    tokenizerTexts: 4000,
  },
  base: { ...training, learningRate: 3e-3 },
  stage1: { ...training, learningRate: 3e-3 },
  stage2: { ...judging, labelSmoothing: 0.1 },
  vanilla: { ...judging, labelSmoothing: 0 },
  discriminative: judging,
  /** Declared before the study was run: what stage 1 alone changes, on families without labels. */
  primary: {
    arms: ['GRAM', 'generative, smoothing'],
    labels: 1000,
    split: 'out-of-distribution',
    /** A difference of three points takes about six seeds. */
    seeds: [1, 2, 3, 4, 5, 6],
  },
  /** Lists that are ranked at the end. */
  lists: { prompts: 4, size: 4 },
};
