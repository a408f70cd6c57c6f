import { laptopBase } from '@gram-examples/common/recipes';

const { further: _, ...base } = laptopBase;

/** The study on two cores in a few minutes. Sizes are small: it compares the models with each other. */
export const laptop = {
  ...base,
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
  /** Lists that are ranked at the end. */
  lists: { prompts: 4, size: 4 },
};
