import { stage } from '@gram-examples/common/grid/stage';
import {
  baseOf,
  foundationOf,
  judgeOf,
  judgePhase,
  readingPhases,
  tokenizerOf,
} from '@gram-examples/common/judges';
import { settingsOf } from '@gram-examples/common/stages';

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

export const SPLITS = ['in-distribution', 'out-of-distribution'];

/**
 * Lists what a recipe computes: for each seed, arm and number of labels a judge and its accuracy on both splits; and what the
 * model decides by likelihood before and after stage 1, without a label; and, as a line to be above, what words alone decide. The
 * seeds that only the declared comparison has compute its judges alone.
 */
export function planOf(recipe) {
  const { data, seeds, primary } = recipe;
  const every = armsOf(recipe).flatMap((arm) => data.labeled.map((labels) => ({ arm, labels })));
  const declared = every.filter(
    ({ arm, labels }) => primary?.arms.includes(arm.name) && labels === primary.labels,
  );
  const all = [...new Set([...seeds, ...(primary?.seeds ?? [])])];
  const cells = all.flatMap((seed) =>
    (seeds.includes(seed) ? every : declared).map(({ arm, labels }) => cellOf(recipe, { seed, arm, labels })),
  );
  const unlabeled = all.map((seed) => ({
    before: likelihoodOf(recipe, seed, baseOf(recipe, seed)),
    after: likelihoodOf(recipe, seed, foundationOf(recipe, seed)),
  }));
  const words = recipe.source.kind === 'world' ? wordsOf(recipe) : [];
  const ranked = recipe.lists && rankedBy(recipe, cells);
  const tests = [...cells, ...words].map((each) => each.tests);
  const targets = [...tests, ...unlabeled.flatMap(Object.values)].flatMap(Object.values);
  return { cells, unlabeled, words, ranked, targets: ranked ? [...targets, ranked] : targets };
}

/** Answers of a judge that knows words and nothing else, for each seed and number of labels. */
function wordsOf(recipe) {
  const needs = { tokenizer: tokenizerOf(recipe) };
  return recipe.seeds.flatMap((seed) =>
    recipe.data.labeled.map((labels) => ({
      labels,
      tests: bySplit(recipe, seed, (inputs) => stage('words', { ...inputs, labels }, needs)),
    })),
  );
}

/** A judge of one seed, arm and number of labels, and its accuracies. */
function cellOf(recipe, { seed, arm, labels }) {
  const judge = judgeOf(recipe, { seed, arm, labels });
  const tests = bySplit(recipe, seed, (inputs) => testOf(arm, judge, inputs));
  return { seed, arm: arm.name, labels, judge, tests };
}

/** The stage that says which pairs a judge decides as they are labeled. */
export function testOf({ kind }, judge, inputs) {
  return kind === 'likelihood'
    ? stage('likelihood', inputs, { model: judge })
    : stage('accuracy', inputs, { judge });
}

function likelihoodOf(recipe, seed, model) {
  return bySplit(recipe, seed, (inputs) => stage('likelihood', inputs, { model }));
}

function bySplit(recipe, seed, stageOf) {
  const inputs = { recipe: settingsOf(recipe), seed, pairs: recipe.data.test };
  return Object.fromEntries(SPLITS.map((split) => [split, stageOf({ ...inputs, split })]));
}

/** Lists that the judge by likelihood ranks, after stage 1 and with all labels. */
function rankedBy(recipe, cells) {
  const most = Math.max(...recipe.data.labeled);
  const { judge, seed } = cells.find(
    ({ arm, labels }) => arm === 'by likelihood, stage 1' && labels === most,
  );
  return stage('lists', { recipe: settingsOf(recipe), seed, ...recipe.lists }, { model: judge });
}

/** Lists the runs of a recipe, for a dry run. */
export function phases(recipe) {
  const { data, seeds } = recipe;
  return [
    ...readingPhases(recipe),
    ...armsOf(recipe).flatMap((arm) =>
      data.labeled.map((labels) => ({
        ...judgePhase(recipe, arm, labels),
        note: `labeled pairs; ${seeds.length} seeds`,
      })),
    ),
  ];
}
