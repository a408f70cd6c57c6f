import { resolve } from 'node:path';
import { stage } from './grid/stage.mjs';
import { settingsOf } from './stages.mjs';

/** The reward models that studies compare. `options` names their training in the recipe. */
export const ARMS = [
  { name: 'GRAM', kind: 'generative', isFoundation: true, options: 'stage2' },
  { name: 'generative, stage 1', kind: 'generative', isFoundation: true, options: 'vanilla' },
  { name: 'generative, smoothing', kind: 'generative', isFoundation: false, options: 'stage2' },
  { name: 'generative', kind: 'generative', isFoundation: false, options: 'vanilla' },
  { name: 'discriminative, stage 1', kind: 'discriminative', isFoundation: true, options: 'discriminative' },
  { name: 'by likelihood, stage 1', kind: 'likelihood', isFoundation: true, options: 'likelihood' },
  { name: 'by likelihood', kind: 'likelihood', isFoundation: false, options: 'likelihood' },
  { name: 'discriminative', kind: 'discriminative', isFoundation: false, options: 'discriminative' },
];

/** The reward models that a recipe compares. */
export function armsOf({ arms }) {
  return arms.map((name) => ARMS.find((arm) => arm.name === name));
}

/**
 * The model that all arms of a seed start from: one of the world that has read plain text, or one from files. All seeds share the
 * one of `baseSeed`, where a recipe has it.
 */
export function baseOf(recipe, seed) {
  const { source, data, baseSeed = seed } = recipe;
  if (source.kind !== 'world') return stage('pretrained', { path: resolve(source.directory, source.model) });
  return stage(
    'base',
    {
      // Plain text is of all families, whatever stage 1 reads.
      ...{ recipe: settingsOf({ ...recipe, source: { ...source, unlabeledFamilies: 'all' } }) },
      ...{ seed: baseSeed, texts: data.texts },
      ...{ model: recipe.model, training: recipe.base },
    },
    { tokenizer: tokenizerOf(recipe) },
  );
}

/** The tokenizer that all seeds share. */
export function tokenizerOf({ judgePrompt, tokenizer, data: { tokenizerTexts } }) {
  return stage('tokenizer', { recipe: { judgePrompt, tokenizer, data: { tokenizerTexts } }, seed: 0 });
}

/** The base after stage 1: it has learned to write pairs of responses. */
export function foundationOf(recipe, seed) {
  const settings = { recipe: settingsOf(recipe), seed };
  return stage(
    'stage1',
    { ...settings, form: recipe.form, pairs: recipe.data.unlabeled, training: recipe.stage1 },
    { model: baseOf(recipe, seed) },
  );
}

/**
 * The judge of a seed, an arm and a number of labels.
 *
 * @param arm its `kind`, whether it starts from the foundation, and the name of its training in the recipe as `options`
 */
export function judgeOf(recipe, { seed, arm, labels }) {
  const model = arm.isFoundation ? foundationOf(recipe, seed) : baseOf(recipe, seed);
  const training = trainingOf(recipe, arm, labels);
  return stage('judge', { recipe: settingsOf(recipe), seed, kind: arm.kind, labels, training }, { model });
}

/** The training of an arm. Few labels are read more often. */
export function trainingOf(recipe, { options }, labels) {
  const { epochs, ...training } = recipe[options];
  return { ...training, epochs: typeof epochs === 'object' ? epochs[labels] : epochs };
}

/** Lists the runs that come before the labels, for a dry run. */
export function readingPhases({ data, base, stage1, seeds }) {
  const note = (text) => `${text}; ${seeds.length} seeds`;
  return [
    ...(base === undefined
      ? []
      : [{ label: 'plain text', examples: data.texts, options: base, note: note('texts') }]),
    {
      ...trainingPhase('stage 1', 'pair generation', data.unlabeled, stage1),
      note: note('unlabeled pairs'),
    },
  ];
}

/** The name of what a kind of judge is trained for. */
export const OBJECTIVES = {
  generative: 'preference',
  discriminative: 'Bradley-Terry',
  likelihood: 'simple preference',
};

/** A run that trains a judge. */
export function judgePhase(recipe, arm, labels) {
  return trainingPhase(arm.name, OBJECTIVES[arm.kind], labels, trainingOf(recipe, arm, labels));
}

/** A run that trains for an objective, for a dry run. `passes` says what is read, for its costs. */
export function trainingPhase(label, objective, examples, options) {
  const passes = [{ objective, examples: examples * (options.epochs ?? 1), isTrained: true }];
  return { label, examples, options, passes };
}
