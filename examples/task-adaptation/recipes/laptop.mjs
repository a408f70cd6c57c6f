/** The study on two cores in about a quarter of an hour. A unit of task pairs is small here; the curves are the point. */
const training = { batchSize: 32, epochs: 1, warmupRatio: 0.1, weightDecay: 0.01, beta2: 0.98, seed: 1 };

export const laptop = {
  name: 'laptop',
  source: {
    kind: 'world',
    /** Families that the labels come from; the tasks are none of them. */
    families: ['harmful', 'howto', 'list', 'sentiment'],
    /** Stage 1 reads pairs without labels of every family, as broad text would hold them. */
    unlabeledFamilies: 'all',
  },
  seeds: [1, 2],
  tasks: ['summary', 'harmlessness'],
  /** Task pairs, in units of `unit`. */
  units: [0, 1, 3, 5, 7, 10],
  unit: 100,
  data: { unlabeled: 14_000, labeled: 14_000, test: 400, tokenizerTexts: 4000 },
  tokenizer: { vocabSize: 1024 },
  judgePrompt: 'gram-compact-1',
  maxLength: 512,
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
    maxPositionEmbeddings: 512,
    tieWordEmbeddings: true,
    standardDeviation: 0.08,
  },
  stage1: { ...training, learningRate: 2e-3 },
  stage2: { ...training, learningRate: 5e-4, labelSmoothing: 0.1 },
  vanilla: { ...training, learningRate: 1e-3, labelSmoothing: 0 },
  discriminative: { ...training, learningRate: 1e-3 },
  /** The same for every model. */
  adaptation: {
    batchSize: 16,
    epochs: 2,
    warmupRatio: 0.1,
    weightDecay: 0.01,
    beta2: 0.98,
    learningRate: 5e-4,
    seed: 1,
  },
};
