import { laptopBase } from '@gram-examples/common/recipes';

const { further, ...base } = laptopBase;

/** The study on two cores in about a quarter of an hour. A unit of task pairs is small here: compare the curves. */
export const laptop = {
  ...base,
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
  /** The same for every model. */
  adaptation: { ...further, batchSize: 16, epochs: 2 },
};
