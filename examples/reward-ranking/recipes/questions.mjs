import { ARMS } from '@gram-examples/common/judges';
import { laptopJudges } from '@gram-examples/common/recipes';
import { SPLITS } from '../study.mjs';

const LABELS = 1000;

/** A judge as the laptop's study trains it, and what its name says is different. */
const judge = (name, arm, { against, labels = LABELS, ...change } = {}) => ({
  name,
  arm,
  labels,
  ...(against !== undefined && { against }),
  change,
});

const gram = (name, more) => judge(name, 'GRAM', more);
const byLikelihood = (name, more) => judge(name, 'by likelihood, stage 1', more);
const without = (name, more) => judge(name, 'by likelihood', more);

/** Settings of label smoothing, with labels as they are or with some of them wrong. */
const smoothings = (values, about, change) =>
  values.map((labelSmoothing) =>
    gram(`${labelSmoothing}${about}`, {
      ...change,
      'stage2.labelSmoothing': labelSmoothing,
      ...(labelSmoothing > 0 && { against: `0${about}` }),
    }),
  );

/** The study of questions that the laptop's study leaves open: it changes one setting at a time, and computes equal settings once. */
export const questions = {
  ...laptopJudges,
  name: 'questions',
  /** The share of labels that are flipped before a judge learns from them; none where nothing is said. */
  stage2: { ...laptopJudges.stage2, flipped: undefined },
  seeds: [31, 32, 33],
  splits: SPLITS,
  data: { ...laptopJudges.data, labels: LABELS, test: 1000 },
  questions: [
    {
      name: 'judges',
      question: 'What do stage 1, label smoothing and the kind of judge change?',
      settings: ARMS.map(({ name }) =>
        judge(name, name, name === 'generative' ? {} : { against: 'generative' }),
      ),
    },
    {
      name: 'unlabeled',
      question: 'How much unlabeled text does stage 1 need?',
      notes: ['Of the judge by likelihood, as in the questions of text and of writers.'],
      settings: [
        without('no stage 1'),
        byLikelihood('16,000 pairs', { against: 'no stage 1' }),
        byLikelihood('32,000 pairs', { 'data.unlabeled': 32_000, against: 'no stage 1' }),
      ],
    },
    {
      name: 'likelihood',
      question: 'What does a model know without a label?',
      notes: [
        'A response is chosen because it is likelier: by its mean log-probability per token where it stands first in a pair.',
      ],
      settings: [
        judge('plain text alone', 'likelihood'),
        judge('stage 1, 16,000 pairs', 'likelihood, stage 1', { against: 'plain text alone' }),
        judge('stage 1, 32,000 pairs', 'likelihood, stage 1', {
          'data.unlabeled': 32_000,
          against: 'plain text alone',
        }),
      ],
    },
    {
      name: 'smoothing',
      question: 'How much label smoothing?',
      notes: ['Of GRAM.'],
      settings: [
        ...smoothings([0, 0.1, 0.2], ''),
        ...smoothings([0, 0.1], ', a fifth of the labels flipped', { 'stage2.flipped': 0.2 }),
      ],
    },
    {
      name: 'text',
      question: 'Which text does stage 1 need?',
      settings: [
        without('no stage 1'),
        byLikelihood('pairs of the families that have labels', {
          'source.unlabeledFamilies': 'in-distribution',
          against: 'no stage 1',
        }),
        byLikelihood('pairs of all families', { against: 'no stage 1' }),
        byLikelihood('the same responses, one at a time', { form: 'single', against: 'no stage 1' }),
      ],
    },
    {
      name: 'writers',
      question: 'Does it matter whether one writer wrote both responses?',
      notes: [
        'Consistent writers are careful or careless in both responses of a pair, so that who reads the first one well knows more of the second.',
      ],
      settings: [
        without('no stage 1'),
        byLikelihood('two writers', { 'source.writers': 'independent', against: 'no stage 1' }),
        byLikelihood('one writer', { against: 'no stage 1' }),
      ],
    },
  ],
};
