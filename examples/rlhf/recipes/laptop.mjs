import { laptopBase } from '@gram-examples/common/recipes';

const { further, ...base } = laptopBase;

/** The study on two cores in about a quarter of an hour. Sizes are small: it compares the policies with each other. */
export const laptop = {
  ...base,
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
  sft: further,
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
