import { laptopJudges } from '@gram-examples/common/recipes';

/** The study on two cores in about ten minutes. Sizes are small: it compares the judges with each other. */
export const laptop = {
  ...laptopJudges,
  name: 'laptop',
  /** The judges that pay policies. */
  arms: ['by likelihood, stage 1', 'GRAM', 'discriminative'],
  /** Each seed has models and a policy of its own; all are measured on the same prompts. */
  seeds: [31, 32, 33, 34, 35],
  /** Families of the demonstrations and prompts: those that a policy of this size learns to answer. */
  policyFamilies: ['harmful', 'howto', 'list', 'sentiment'],
  data: {
    ...laptopJudges.data,
    /** Labels of the judges: as many as in the declared comparison of reward ranking. */
    labeled: 300,
    demonstrations: 8000,
    prompts: 4000,
    validation: 64,
    test: 150,
  },
  sft: laptopJudges.base,
  /** Long enough, with a weak KL term, to over-optimize: the policy is to find what its judge has wrong. */
  ppo: {
    steps: 40,
    maxNewTokens: 32,
    batchSize: 32,
    epochs: 2,
    miniBatchSize: 16,
    valueOnlySteps: 4,
    policyLearningRate: 3e-4,
    valueLearningRate: 1e-3,
    kl: { weight: 0.2 },
    evaluateEvery: 8,
  },
  bestOfN: { prompts: 64, samples: 64, sizes: [1, 2, 4, 8, 16, 32, 64] },
  /** Declared before the study was run: which of two judges leads to the policy, and chooses the sample, that is worth more. */
  primary: { arms: ['by likelihood, stage 1', 'discriminative'], n: 64 },
};
