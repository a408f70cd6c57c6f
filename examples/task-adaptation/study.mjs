import { createProgress } from '@gram/report';
import { evaluatePairs } from '@gram/reward';
import { adaptRewardModel } from '@gram/train';
import {
  rewardModelOf,
  rewardModelPhases,
  trainRewardModels,
  trainStage1,
} from '@gram-examples/common/reward-models';
import { trainOptions } from '@gram-examples/common/training';

/** Lists the runs of a recipe, for a dry run. */
export function phases(recipe) {
  const { seeds, tasks, units, unit, adaptation } = recipe;
  const adaptations = units
    .filter((count) => count > 0)
    .map((count) => ({
      label: `adaptation, ${count} units`,
      examples: count * unit,
      options: adaptation,
      note: `4 models; ${tasks.join(' and ')}`,
    }));
  return [...rewardModelPhases(recipe), ...adaptations].map((phase) => ({
    ...phase,
    note: `${phase.note}; ${seeds.length} seeds`,
  }));
}

/** Runs one seed of the study: every model adapted to every task with every amount of data. */
export async function runSeed(materials, recipe, seed) {
  const { base, encoder } = materials;
  const { weights: foundation } = await trainStage1(materials, recipe);
  const trained = await trainRewardModels(materials, recipe, foundation, seed);
  const models = [
    { line: 'foundation model', ...trained['two-stage'], labelSmoothing: recipe.stage2.labelSmoothing },
    {
      line: 'from the base',
      kind: 'generative',
      config: base.config,
      weights: base.weights(),
      labelSmoothing: 0,
    },
    { line: 'generative, no stage 1', ...trained.vanilla, labelSmoothing: 0 },
    { line: 'discriminative', ...trained.discriminative, labelSmoothing: 0 },
  ];
  const total = recipe.tasks.length * models.length * recipe.units.length;
  const progress = createProgress({ label: 'adapt and evaluate', total, unit: 'models' });
  let done = 0;
  const points = [];
  for (const task of recipe.tasks) {
    const pairs = await materials.task(task, 'train', Math.max(...recipe.units) * recipe.unit);
    const test = await materials.task(task, 'test', recipe.data.test);
    for (const { line, kind, config, weights, labelSmoothing } of models) {
      for (const units of recipe.units) {
        const { weights: adapted } = await adaptRewardModel({
          config,
          weights,
          encoder,
          kind,
          pairs,
          count: units * recipe.unit,
          seed,
          options: trainOptions(recipe.adaptation),
          labelSmoothing,
        });
        const model = rewardModelOf({ kind, config, weights: adapted }, encoder);
        const { items, accuracy } = await evaluatePairs(model, test, { seed });
        model.dispose();
        points.push({ task, line, units, correct: items.map(({ correct }) => Number(correct)) });
        progress.update(++done, { task, line, units, accuracy });
      }
    }
  }
  progress.finish();
  return { seed, points };
}
