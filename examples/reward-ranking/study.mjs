import { stage } from '@gram-examples/common/grid/stage';
import { settingsOf } from '@gram-examples/common/stages';

/** The reward models that are compared. `options` names their training in the recipe. */
export const ARMS = [
  { name: 'GRAM', kind: 'generative', isFoundation: true, options: 'stage2' },
  { name: 'generative, stage 1', kind: 'generative', isFoundation: true, options: 'vanilla' },
  { name: 'generative, smoothing', kind: 'generative', isFoundation: false, options: 'stage2' },
  { name: 'generative', kind: 'generative', isFoundation: false, options: 'vanilla' },
  { name: 'discriminative, stage 1', kind: 'discriminative', isFoundation: true, options: 'discriminative' },
  { name: 'discriminative', kind: 'discriminative', isFoundation: false, options: 'discriminative' },
];

export const SPLITS = ['in-distribution', 'out-of-distribution'];

/**
 * Lists what a recipe computes: for each seed, arm and number of labels a judge and its accuracy on both splits. The seeds that
 * only the declared comparison has compute that alone.
 */
export function planOf(recipe) {
  const { data, seeds, primary } = recipe;
  const every = ARMS.flatMap((arm) => data.labeled.map((labels) => ({ arm, labels })));
  const declared = every.filter(
    ({ arm, labels }) => primary?.arms.includes(arm.name) && labels === primary.labels,
  );
  const all = [...new Set([...seeds, ...(primary?.seeds ?? [])])];
  const cells = all.flatMap((seed) =>
    (seeds.includes(seed) ? every : declared).map(({ arm, labels }) => cellOf(recipe, { seed, arm, labels })),
  );
  return { cells, ranked: recipe.lists && rankedBy(recipe, cells) };
}

/** A judge of one seed, arm and number of labels, and its accuracies. */
function cellOf(recipe, { seed, arm, labels }) {
  const settings = { recipe: settingsOf(recipe), seed };
  const base = baseOf(recipe, seed);
  const { unlabeled } = recipe.data;
  const model = arm.isFoundation
    ? stage(
        'stage1',
        { ...settings, form: 'pairs', pairs: unlabeled, training: recipe.stage1 },
        { model: base },
      )
    : base;
  const training = trainingOf(recipe, arm, labels);
  const judge = stage('judge', { ...settings, kind: arm.kind, labels, training }, { model });
  const tests = SPLITS.map((split) => [split, accuracyOf(recipe, seed, judge, split)]);
  return { seed, arm: arm.name, labels, judge, tests: Object.fromEntries(tests) };
}

function accuracyOf(recipe, seed, judge, split) {
  const inputs = { recipe: settingsOf(recipe), seed, split, pairs: recipe.data.test };
  return stage('accuracy', inputs, { judge });
}

/** Lists that GRAM ranks with all labels. */
function rankedBy(recipe, cells) {
  const most = Math.max(...recipe.data.labeled);
  const { judge, seed } = cells.find(({ arm, labels }) => arm === 'GRAM' && labels === most);
  return stage('lists', { recipe: settingsOf(recipe), seed, ...recipe.lists }, { judge });
}

/** The model that all arms of a seed start from: one of the world that has read plain text, or one from files. */
function baseOf(recipe, seed) {
  const { source, data } = recipe;
  if (source.kind !== 'world') return stage('pretrained', { path: `${source.directory}/${source.model}` });
  const { judgePrompt, tokenizer } = recipe;
  const texts = { judgePrompt, tokenizer, data: { tokenizerTexts: data.tokenizerTexts } };
  return stage(
    'base',
    {
      ...{ recipe: settingsOf(recipe), seed, texts: data.texts },
      ...{ model: recipe.model, training: recipe.base },
    },
    { tokenizer: stage('tokenizer', { recipe: texts, seed: 0 }) },
  );
}

/** The training of an arm. Few labels are read more often. */
function trainingOf(recipe, { options }, labels) {
  const { epochs, ...training } = recipe[options];
  return { ...training, epochs: typeof epochs === 'object' ? epochs[labels] : epochs };
}

/** Lists the runs of a recipe, for a dry run. */
export function phases(recipe) {
  const { data, seeds } = recipe;
  const note = (text) => `${text}; ${seeds.length} seeds`;
  const reading =
    recipe.base === undefined
      ? []
      : [{ label: 'plain text', examples: data.texts, options: recipe.base, note: note('texts') }];
  return [
    ...reading,
    { label: 'stage 1', examples: data.unlabeled, options: recipe.stage1, note: note('unlabeled pairs') },
    ...ARMS.flatMap((arm) =>
      data.labeled.map((labels) => ({
        label: arm.name,
        examples: labels,
        options: trainingOf(recipe, arm, labels),
        note: note('labeled pairs'),
      })),
    ),
  ];
}
