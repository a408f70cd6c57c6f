import { stage } from '@gram-examples/common/grid/stage';
import {
  baseOf,
  foundationOf,
  judgeOf,
  judgePhase,
  OBJECTIVES,
  readingPhases,
  trainingPhase,
} from '@gram-examples/common/judges';
import { settingsOf } from '@gram-examples/common/stages';

/** The training in the recipe that makes a judge of each kind from labels. */
const TRAINING = { generative: 'stage2', likelihood: 'likelihood' };

/** The model that each arm starts from, before it sees labels of a task. All learn from these in the same way. */
export const ARMS = [
  {
    name: 'stage 1',
    about: 'stage 1, then labels of other tasks',
    startOf: (recipe, seed) => labeledOf(recipe, seed, true),
  },
  {
    name: 'without stage 1',
    about: 'the same labels of other tasks',
    startOf: (recipe, seed) => labeledOf(recipe, seed, false),
  },
  {
    name: 'stage 1 on the task',
    about: "stage 1 on the task's own pairs without labels, no other labels",
    startOf: (recipe, seed, task) =>
      stage(
        'taskStage1',
        {
          recipe: settingsOf(recipe),
          seed,
          task,
          pairs: recipe.data.task[task],
          training: recipe.taskStage1,
        },
        { model: baseOf(recipe, seed) },
      ),
  },
  { name: 'base', about: 'plain text only', startOf: baseOf },
];

/** A judge that learned from labels of other tasks, with stage 1 or without. */
function labeledOf(recipe, seed, isFoundation) {
  return judgeOf(recipe, { seed, arm: labelingOf(recipe, isFoundation), labels: recipe.data.labeled });
}

function labelingOf({ kind }, isFoundation) {
  return { kind, isFoundation, options: TRAINING[kind] };
}

/** The model that saw all labels of a task. */
export const ORACLE = 'all task labels';

/**
 * Lists what a recipe computes: for each seed and task every arm with every number of units, and the base with all labels of the
 * task.
 */
export function planOf(recipe) {
  const { seeds, tasks, units, unit, data } = recipe;
  const cells = seeds.flatMap((seed) =>
    tasks.flatMap((task) => [
      ...ARMS.flatMap(({ name, startOf }) =>
        units.map((count) => ({
          ...{ seed, task, arm: name, units: count },
          test: testOf(recipe, { seed, task, labels: count * unit }, startOf(recipe, seed, task)),
        })),
      ),
      {
        ...{ seed, task, arm: ORACLE },
        test: testOf(recipe, { seed, task, labels: data.task[task] }, foundationOf(recipe, seed)),
      },
    ]),
  );
  return { cells, targets: cells.map(({ test }) => test) };
}

/** The accuracy of a model that learned from some labels of a task. Smaller numbers of labels are part of larger ones. */
function testOf(recipe, { seed, task, labels }, model) {
  const settings = { recipe: settingsOf(recipe), seed, task };
  const inputs = {
    ...settings,
    kind: recipe.kind,
    pool: recipe.data.task[task],
    labels,
    training: recipe.adaptation,
  };
  const judge = stage('adapted', inputs, { model });
  return stage('taskAccuracy', { ...settings, pairs: recipe.data.test }, { judge });
}

/** Lists the runs of a recipe, for a dry run. */
export function phases(recipe) {
  const { seeds, tasks, units, unit, data, adaptation } = recipe;
  const of = (text) => `${text}; ${seeds.length} seeds`;
  const labeled = ['with', 'without'].map((word) => ({
    ...judgePhase(recipe, { ...labelingOf(recipe), name: `labels, ${word} stage 1` }, data.labeled),
    note: of('labeled pairs of other tasks'),
  }));
  const learned = (label, labels, note) => ({
    ...trainingPhase(label, OBJECTIVES[recipe.kind], labels, adaptation),
    note: of(note),
  });
  return [
    ...readingPhases(recipe),
    ...labeled,
    ...tasks.map((task) => ({
      ...trainingPhase(`stage 1 on ${task}`, 'pair generation', data.task[task], recipe.taskStage1),
      note: of('pairs without labels'),
    })),
    ...units
      .filter((count) => count > 0)
      .map((count) =>
        learned('adaptation', count * unit, `labels; ${ARMS.length} models, ${tasks.join(' and ')}`),
      ),
    ...tasks.map((task) => learned(`all labels of ${task}`, data.task[task], 'labels')),
  ];
}
