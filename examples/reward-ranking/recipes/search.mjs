import { laptopJudges } from '@gram-examples/common/recipes';

const judge = (name, arm, { against, labels = 1000, ...change }) => ({
  ...{ name, arm, labels, change },
  ...(against !== undefined && { against }),
});

/** The judge with and without stage 1, trained alike. */
const both = (about, change) => [
  judge(`${about}, no stage 1`, 'generative, smoothing', change),
  judge(`${about}, stage 1`, 'GRAM', { ...change, against: `${about}, no stage 1` }),
];

/** The judge by likelihood with and without stage 1, of 300 labels. All seeds start from one model. */
const byLikelihood = (about, change) => [
  judge(`${about}, no stage 1`, 'by likelihood', { ...change, baseSeed: 1, labels: 300 }),
  judge(`${about}, stage 1`, 'by likelihood, stage 1', {
    ...change,
    ...{ baseSeed: 1, labels: 300, against: `${about}, no stage 1` },
  }),
];

const layers = (count) => ({ 'model.numHiddenLayers': count });

/**
 * The search that chose the recipe of the laptop's study. Labels are of five of the families that have labels, and judges are
 * compared on the other three: the families that the study reports are not read.
 */
export const search = {
  ...laptopJudges,
  name: 'search',
  baseSeed: undefined,
  source: {
    ...laptopJudges.source,
    families: ['arithmetic', 'list', 'sentiment', 'howto', 'harmful'],
    testSeed: 100,
  },
  seeds: [1, 2, 3],
  splits: ['validation'],
  data: { ...laptopJudges.data, test: 600 },
  questions: [
    {
      name: 'epochs',
      question: 'How many layers, and how often are the labels read?',
      settings: [
        ...both('3 layers, 16 epochs', { ...layers(3), 'stage2.epochs': 16 }),
        ...both('4 layers, 12 epochs', { ...layers(4), 'stage2.epochs': 12 }),
        ...both('6 layers, 4 epochs', { ...layers(6), 'stage2.epochs': 4 }),
        ...both('6 layers, 8 epochs', { ...layers(6), 'stage2.epochs': 8 }),
      ],
    },
    {
      name: 'rate',
      question: 'At which rate does stage 2 learn?',
      settings: [5e-4, 1e-3, 2e-3].map((rate) =>
        judge(`6 layers, 4 epochs, stage 1, rate ${rate}`, 'GRAM', {
          ...layers(6),
          'stage2.epochs': 4,
          'stage2.learningRate': rate,
        }),
      ),
    },
    {
      name: 'likelihood',
      question: 'How does a judge by likelihood learn?',
      settings: [
        ...byLikelihood('2 epochs', {}),
        ...byLikelihood('4 epochs', { 'likelihood.epochs': 4 }),
        ...byLikelihood('4 epochs, rate 0.0003', { 'likelihood.epochs': 4, 'likelihood.learningRate': 3e-4 }),
        ...byLikelihood('2 epochs, beta 5', { 'likelihood.beta': 5 }),
      ],
    },
  ],
};
