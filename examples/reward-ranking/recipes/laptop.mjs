import { laptopJudges } from '@gram-examples/common/recipes';

/** The study on two cores in a few minutes. Sizes are small: it compares the models with each other. */
export const laptop = {
  ...laptopJudges,
  name: 'laptop',
  arms: ['GRAM', 'generative, smoothing', 'discriminative'],
  /** Seeds from 1 on were looked at while the study was built. */
  seeds: [11, 12, 13],
  data: {
    ...laptopJudges.data,
    /** Numbers of labeled pairs. */
    labeled: [300, 1000],
    /** Test pairs of each distribution. */
    test: 1000,
  },
  /** Declared before the study was run: what stage 1 alone changes, on families without labels. */
  primary: {
    arms: ['GRAM', 'generative, smoothing'],
    labels: 1000,
    split: 'out-of-distribution',
    seeds: [11, 12, 13, 14],
  },
  /** Lists that are ranked at the end. */
  lists: { prompts: 4, size: 4 },
};
