/** The study on two cores in about a quarter of an hour. Sizes are small; the comparison is the point. */
const training = { batchSize: 32, epochs: 1, warmupRatio: 0.1, weightDecay: 0.01, beta2: 0.98, seed: 1 };

export const laptop = {
  name: 'laptop',
  source: {
    kind: 'world',
    /** Families that a model of this size learns to judge in a minute. */
    families: ['harmful', 'howto', 'list', 'sentiment'],
  },
  /** Each seed is a world, a set of models and a run of its own. */
  seeds: [1, 2],
  data: {
    unlabeled: 14_000,
    labeled: 18_000,
    /** Few, so that the policy has something left to learn. */
    demonstrations: 1500,
    prompts: 4000,
    validation: 100,
    test: 250,
    tokenizerTexts: 4000,
  },
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
  sft: { ...training, learningRate: 5e-4 },
  ppo: {
    steps: 40,
    maxNewTokens: 40,
    batchSize: 64,
    epochs: 2,
    miniBatchSize: 32,
    valueOnlySteps: 4,
    policyLearningRate: 1e-4,
    valueLearningRate: 5e-4,
    kl: { weight: 4 },
    evaluateEvery: 10,
  },
  grpo: { batchSize: 16, samplesPerPrompt: 4, kl: { weight: 0.5 } },
  bestOfN: { prompts: 100, samples: 16, sizes: [1, 2, 4, 8, 16] },
};
