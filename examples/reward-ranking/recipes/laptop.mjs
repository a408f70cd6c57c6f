import { laptopJudges } from '@gram-examples/common/recipes';

/** The study on two cores in a few minutes. Sizes are small: it compares the models with each other. */
export const laptop = {
  ...laptopJudges,
  name: 'laptop',
  arms: ['GRAM', 'generative, smoothing', 'discriminative'],
  /** Smaller seeds were looked at while the study was built. */
  seeds: [21, 22, 23],
  data: {
    ...laptopJudges.data,
    /** Numbers of labeled pairs. */
    labeled: [300, 1000],
    /** Test pairs of each distribution. */
    test: 1000,
  },
  /** Declared before these seeds were run: the claim of the paper's first table, on families without labels. */
  primary: {
    arms: ['GRAM', 'discriminative'],
    labels: 1000,
    split: 'out-of-distribution',
    seeds: [21, 22, 23],
  },
  /** Lists that are ranked at the end. */
  lists: { prompts: 4, size: 4 },
};
