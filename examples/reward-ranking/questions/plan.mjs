import { stage } from '@gram-examples/common/grid/stage';
import {
  armsOf,
  baseOf,
  foundationOf,
  judgeOf,
  readingPhases,
  trainingOf,
} from '@gram-examples/common/judges';
import { settingsOf } from '@gram-examples/common/stages';

/**
 * Lists what the questions of a recipe compute: for each setting and seed the answers to the test pairs of each split.
 * Settings that are alike share their stages, whichever question asks.
 */
export function askedOf(recipe) {
  return recipe.questions.map(({ settings, ...about }) => ({
    ...about,
    settings: settings.map((setting) => {
      const changed = withChanges(recipe, setting.change);
      return { ...setting, tests: recipe.seeds.map((seed) => testsOf(changed, setting, seed)) };
    }),
  }));
}

/** The stages that answer the test pairs, by split. */
function testsOf(recipe, { arm: name, labels }, seed) {
  const common = { recipe: settingsOf(recipe), seed, pairs: recipe.data.test };
  const of = (stageOf) => Object.fromEntries(recipe.splits.map((split) => [split, stageOf(split)]));
  const judge = judgeOfSetting(recipe, { name, labels, seed });
  return of((split) => stage('accuracy', { ...common, split }, { judge }));
}

/** The judge of a setting: that of an arm, or a model that has read no label and judges by likelihood. */
function judgeOfSetting(recipe, { name, labels, seed }) {
  if (!name.startsWith('likelihood')) return judgeOf(recipe, { seed, arm: armOf(name), labels });
  return name.endsWith('stage 1') ? foundationOf(recipe, seed) : baseOf(recipe, seed);
}

/** A recipe with other values; `changes` are values by path, such as `data.unlabeled`. */
export function withChanges(recipe, changes) {
  let changed = recipe;
  for (const [path, value] of Object.entries(changes)) changed = withValue(changed, path.split('.'), value);
  return changed;
}

function withValue(record, [name, ...rest], value) {
  if (!(name in record)) throw new Error(`the recipe has no setting called ${name}`);
  return { ...record, [name]: rest.length === 0 ? value : withValue(record[name], rest, value) };
}

/** Lists the runs of a recipe, for a dry run. */
export function questionPhases(recipe) {
  const runs = recipe.questions.flatMap(({ settings }) => settings);
  const judges = runs.filter(({ arm }) => !arm.startsWith('likelihood'));
  return [
    ...readingPhases(recipe),
    ...judges.map(({ name, arm, labels, change }) => ({
      label: name,
      examples: labels,
      options: trainingOf(withChanges(recipe, change), armOf(arm), labels),
      note: `labeled pairs; ${recipe.seeds.length} seeds`,
    })),
  ];
}

function armOf(name) {
  return armsOf({ arms: [name] })[0];
}
