/**
 * The paper's first study, reward ranking: three reward models learn from the same labeled pairs, and are asked about
 * families of tasks that they never saw.
 *
 *     node main.mjs [--config laptop|paper] [--files DIR] [--dry-run]
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createRandom, pairedBootstrap } from '@gram/base';
import { parameterCount } from '@gram/model';
import { createProgress, formatDuration, textTable, writePage } from '@gram/report';
import { evaluatePairs } from '@gram/reward';
import { oracleAccuracy } from '@gram/world';
import { runStudy } from '@gram-examples/common/command-line';
import { openMaterials } from '@gram-examples/common/materials';
import {
  rewardModelOf,
  saveRewardModel,
  trainRewardModels,
  trainStage1,
} from '@gram-examples/common/reward-models';
import { laptop } from './recipes/laptop.mjs';
import { paper } from './recipes/paper.mjs';
import { accuracyTable, reportPage } from './report.mjs';

await runStudy({ laptop, paper }, phases, async (recipe) => {
  const started = performance.now();
  const { seed } = recipe;
  const directory = fileURLToPath(new URL(`./runs/${recipe.name}`, import.meta.url));
  const materials = await openMaterials(recipe, seed);
  const { world } = materials;
  await mkdir(directory, { recursive: true });
  if (world !== undefined) {
    console.log('Reward ranking in the synthetic world: about five minutes on two cores.');
    console.log(
      `Families: ${materials.families.join(', ')}; held out: ${world.outOfDistribution.join(', ')}.`,
    );
  }
  const stage1 = await trainStage1(materials, recipe);
  const trained = await trainRewardModels(materials, recipe, stage1.weights, seed);
  const models = [];
  for (const [folder, model] of Object.entries(trained)) {
    const training = { data: recipe.source.kind, seed, labeled: recipe.data.labeled };
    await saveRewardModel(`${directory}/${folder}`, model, materials, recipe, training);
    models.push({ folder, ...model, judge: rewardModelOf(model, materials.encoder) });
  }

  const tests = {
    inDistribution: await materials.tests('in-distribution'),
    outOfDistribution: await materials.tests('out-of-distribution'),
  };
  const ceilings =
    world &&
    Object.fromEntries(Object.entries(tests).map(([split, pairs]) => [split, oracleAccuracy(world, pairs)]));
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
  console.log(`\n${textTable(accuracyTable(results, ceilings))}\n`);
  const difference = compare(results, seed);
  console.log(difference);

  const rankings = world === undefined ? [] : await rankLists(world, models[0].judge, recipe.lists);
  for (const { prompt, responses } of rankings) {
    console.log(`\n${prompt}`);
    console.log(
      textTable({
        columns: [{ name: 'score' }, { name: 'oracle' }, { name: 'response' }],
        rows: responses.map(({ text, score, remark }) => [score.toFixed(3), remark.split(' ').at(-1), text]),
      }),
    );
  }

  const seconds = (performance.now() - started) / 1000;
  const report = `${directory}/report.html`;
  const curves = [
    { name: 'stage 1: write pairs', history: stage1.history },
    ...models.map(({ name, history }) => ({ name, history })),
  ];
  const sizes = { ...recipe.data, parameters: parameterCount(models[0].config) };
  await writePage(report, reportPage({ results, ceilings, curves, rankings, sizes, seconds, difference }));
  console.log(`\nModels: ${directory}/{${models.map(({ folder }) => folder).join(',')}}`);
  console.log(`Done in ${formatDuration(seconds)}.`);
  console.log(report);
});

/** The runs of a recipe, for a dry run. */
function phases(recipe) {
  const { unlabeled, labeled } = recipe.data;
  return [
    { label: 'stage 1', examples: unlabeled, options: recipe.stage1, note: 'unlabeled pairs' },
    { label: 'stage 2', examples: labeled, options: recipe.stage2, note: 'labeled pairs' },
    { label: 'generative, no stage 1', examples: labeled, options: recipe.vanilla, note: 'labeled pairs' },
    { label: 'discriminative', examples: labeled, options: recipe.discriminative, note: 'labeled pairs' },
  ];
}

/** Whether stage 1 helps on what no model has seen; paired, as both judged the same pairs. */
function compare([two, vanilla], seed) {
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
