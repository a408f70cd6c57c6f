import { laptopJudges } from '@gram-examples/common/recipes';

/** The study on two cores in a few minutes. Sizes are small: it compares the models with each other. */
export const laptop = {
  ...laptopJudges,
  name: 'laptop',
  arms: ['by likelihood, stage 1', 'by likelihood', 'GRAM', 'discriminative'],
  /**
   * The judges that read their labels eight times learn from the fewest alone, so that the study takes minutes: the questions have
   * them with 1,000.
   */
  labels: { GRAM: [300], discriminative: [300] },
  /** Smaller seeds were looked at while the study was built. */
  seeds: [31, 32, 33],
  data: {
    ...laptopJudges.data,
    /** Numbers of labeled pairs. */
    labeled: [300, 1000],
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
