import { laptopJudges } from '@gram-examples/common/recipes';

/** The study on two cores in a few minutes. Sizes are small: it compares the models with each other. */
export const laptop = {
  ...laptopJudges,
  name: 'laptop',
  arms: ['by likelihood, stage 1', 'by likelihood', 'GRAM', 'discriminative'],
  /** Smaller seeds were looked at while the study was built. */
  seeds: [31, 32, 33],
  data: {
    ...laptopJudges.data,
    /** Numbers of labeled pairs. The questions have the same judges with 1,000. */
    labeled: [300],
    /** Test pairs of each distribution. */
    test: 1000,
  },
  /** Declared before these seeds were run: does stage 1 help a judge with few labels on families without labels? */
  primary: {
    arms: ['by likelihood, stage 1', 'by likelihood'],
    labels: 300,
    split: 'out-of-distribution',
    seeds: [31, 32, 33],
  },
  /** Lists that are ranked at the end. */
  lists: { prompts: 4, size: 4 },
};
