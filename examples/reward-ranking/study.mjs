import { stage } from '@gram-examples/common/grid/stage';
import {
  armsOf,
  baseOf,
  foundationOf,
  judgeOf,
  judgePhase,
  readingPhases,
  tokenizerOf,
} from '@gram-examples/common/judges';
import { settingsOf } from '@gram-examples/common/stages';

export const SPLITS = ['in-distribution', 'out-of-distribution'];

/**
 * Lists what a recipe computes: for each seed, arm and number of labels a judge and its accuracy on both splits; and what the
 * model decides by likelihood before and after stage 1, without a label; and, as a line to be above, what words alone decide. The
 * seeds that only the declared comparison has compute its judges alone.
 */
export function planOf(recipe) {
  const { seeds, primary } = recipe;
  const every = cellsOfSeed(recipe);
  const declared = every.filter(
    ({ arm, labels }) => primary?.arms.includes(arm.name) && labels === primary.labels,
  );
  const all = [...new Set([...seeds, ...(primary?.seeds ?? [])])];
  const cells = all.flatMap((seed) =>
    (seeds.includes(seed) ? every : declared).map(({ arm, labels }) => cellOf(recipe, { seed, arm, labels })),
  );
  const unlabeled = all.map((seed) => ({
    before: testsOf(recipe, sharedSeed(recipe) ?? seed, baseOf(recipe, seed)),
    after: testsOf(recipe, seed, foundationOf(recipe, seed)),
  }));
  const words = recipe.source.kind === 'world' ? wordsOf(recipe) : [];
  const ranked = recipe.lists && rankedBy(recipe, cells);
  const tests = [...cells, ...words].map((each) => each.tests);
  const targets = [...tests, ...unlabeled.flatMap(Object.values)].flatMap(Object.values);
  return { cells, unlabeled, words, ranked, targets: ranked ? [...targets, ranked] : targets };
}

/** The arms of a seed with each number of labels. */
function cellsOfSeed(recipe) {
  return armsOf(recipe).flatMap((arm) => recipe.data.labeled.map((labels) => ({ arm, labels })));
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
  return { seed, arm: arm.name, labels, judge, tests: testsOf(recipe, seed, judge) };
}

/** The accuracies of a judge; a model that has read no label judges by likelihood. */
function testsOf(recipe, seed, judge) {
  return bySplit(recipe, seed, (inputs) => stage('accuracy', inputs, { judge }));
}

/** The seed of what all seeds share, where they start from one model and are measured on the same pairs. */
function sharedSeed({ baseSeed, source }) {
  return source.testSeed === undefined ? undefined : baseSeed;
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
  return stage('lists', { recipe: settingsOf(recipe), seed, ...recipe.lists }, { judge });
}

/** Lists the runs of a recipe, for a dry run. */
export function phases(recipe) {
  const note = `labeled pairs; ${recipe.seeds.length} seeds`;
  return [
    ...readingPhases(recipe),
    ...cellsOfSeed(recipe).map(({ arm, labels }) => ({ ...judgePhase(recipe, arm, labels), note })),
  ];
}
