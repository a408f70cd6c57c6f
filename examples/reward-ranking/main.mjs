/**
 * The paper's first study, reward ranking: three reward models learn from the same labeled pairs, and are asked about
 * families of tasks that they never saw.
 *
 *     node main.mjs [--config laptop|paper] [--files DIR] [--dry-run]
 */
import { createRandom, pairedBootstrap } from '@gram/base';
import { parameterCount } from '@gram/model';
import { createProgress, textTable } from '@gram/report';
import { evaluatePairs } from '@gram/reward';
import { oracleAccuracy } from '@gram/world';
import { runStudy } from '@gram-examples/common/command-line';
import { openMaterials } from '@gram-examples/common/materials';
import {
  rewardModelOf,
  rewardModelPhases,
  saveTrainedModel,
  trainRewardModels,
  trainStage1,
} from '@gram-examples/common/reward-models';
import { laptop } from './recipes/laptop.mjs';
import { paper } from './recipes/paper.mjs';
import { accuracyTable, reportPage } from './report.mjs';

await runStudy({ recipes: { laptop, paper }, url: import.meta.url, phases: rewardModelPhases, study });

async function study(recipe, output) {
  const { seed } = recipe;
  const materials = await openMaterials(recipe, seed);
  const { world } = materials;
  if (world !== undefined) {
    console.log('Reward ranking in the synthetic world: about five minutes on two cores.');
    console.log(
      `Families: ${materials.families.join(', ')}; held out: ${world.outOfDistribution.join(', ')}.`,
    );
  }
  const { models, curves } = await trainModels(materials, recipe, output.directory);
  const tests = {
    inDistribution: await materials.tests('in-distribution'),
    outOfDistribution: await materials.tests('out-of-distribution'),
  };
  const ceilings =
    world &&
    Object.fromEntries(Object.entries(tests).map(([split, pairs]) => [split, oracleAccuracy(world, pairs)]));
  const results = await evaluateModels(models, tests, seed);
  console.log(`\n${textTable(accuracyTable(results, ceilings))}\n`);
  const difference = compareStages(results, seed);
  console.log(difference);

  const rankings = world === undefined ? [] : await rankLists(world, models[0].judge, recipe.lists);
  for (const ranking of rankings) printRanking(ranking);
  const sizes = { ...recipe.data, parameters: parameterCount(models[0].config) };
  console.log(`\nModels: ${output.directory}/{${models.map(({ folder }) => folder).join(',')}}`);
  const seconds = output.seconds();
  await output.finish(reportPage({ results, ceilings, curves, rankings, sizes, seconds, difference }));
}

/** Trains and saves the three reward models; the curves are the losses of all runs. */
async function trainModels(materials, recipe, directory) {
  const { seed, source, data } = recipe;
  const stage1 = await trainStage1(materials, recipe);
  const trained = await trainRewardModels(materials, recipe, stage1.weights, seed);
  const models = [];
  for (const [folder, model] of Object.entries(trained)) {
    const training = { data: source.kind, seed, labeled: data.labeled };
    await saveTrainedModel(`${directory}/${folder}`, model, { ...materials, recipe, training });
    models.push({ folder, ...model, judge: rewardModelOf(model, materials.encoder) });
  }
  const curves = [
    { name: 'stage 1: write pairs', history: stage1.history },
    ...models.map(({ name, history }) => ({ name, history })),
  ];
  return { models, curves };
}

async function evaluateModels(models, tests, seed) {
  const results = [];
  for (const { name, judge } of models) {
    const result = { name };
    for (const [split, pairs] of Object.entries(tests)) {
      const progress = createProgress({ label: `evaluate ${name}`, total: pairs.length, unit: 'pairs' });
      const onProgress = (done) => progress.update(done);
      result[split] = await evaluatePairs(judge, pairs, { seed, onProgress });
      progress.finish();
    }
    results.push(result);
  }
  return results;
}

function printRanking({ prompt, responses }) {
  console.log(`\n${prompt}`);
  console.log(
    textTable({
      columns: [{ name: 'score' }, { name: 'oracle' }, { name: 'response' }],
      rows: responses.map(({ text, score, remark }) => [score.toFixed(3), remark.split(' ').at(-1), text]),
    }),
  );
}

/** Says whether stage 1 helps on what no model has seen; paired, because both judged the same pairs. */
function compareStages([two, vanilla], seed) {
  const correct = ({ items }) => items.map((item) => (item.correct ? 1 : 0));
  const random = createRandom(seed, 'difference');
  const gain = pairedBootstrap(correct(two.outOfDistribution), correct(vanilla.outOfDistribution), random);
  const points = (value) => (100 * value).toFixed(1);
  return (
    `Out of distribution, two stages minus one: ${points(gain.difference)} points ` +
    `(95 % interval ${points(gain.interval[0])} to ${points(gain.interval[1])}).`
  );
}

async function rankLists(world, judge, { prompts, size }) {
  const rankings = [];
  for (const list of world.lists('out-of-distribution', prompts, size)) {
    const { order, scores } = await judge.rank(list.prompt, list.responses);
    const responses = order.map((i) => ({
      text: list.responses[i],
      score: scores[i],
      remark: `oracle reward ${list.rewards[i].toFixed(2)}`,
    }));
    rankings.push({ title: list.family, prompt: list.prompt, responses });
  }
  return rankings;
}
