/**
 * The paper's first study, reward ranking, on a laptop: three reward models learn from the same
 * labeled pairs, and are asked about families of tasks that they never saw.
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createRandom, createWorld, oracleAccuracy } from '@gram/data';
import { createProgress, formatDuration, textTable, writePage } from '@gram/report';
import { evaluatePairs, pairedBootstrap } from '@gram/reward';
import { makeEncoder, trainModels } from './models.mjs';
import { recipe } from './recipe.mjs';
import { accuracyTable, reportPage } from './report.mjs';

const started = performance.now();
const directory = fileURLToPath(new URL('./runs/laptop', import.meta.url));
await mkdir(directory, { recursive: true });

console.log('Reward ranking in the synthetic world: about four minutes on two cores.');
const world = createWorld({ seed: recipe.seed });
const unlabeled = world.unlabeledPairs(recipe.data.unlabeled);
const labeled = world.labeledPairs(recipe.data.labeled);
const tests = {
  inDistribution: world.testPairs('in-distribution', recipe.data.test),
  outOfDistribution: world.testPairs('out-of-distribution', recipe.data.test),
};
console.log(
  `World: ${unlabeled.length} unlabeled and ${labeled.length} labeled pairs of ${world.inDistribution.length} families; ` +
    `held out: ${world.outOfDistribution.join(', ')}.`,
);

const encoding = await makeEncoder(world);
const { models, curves } = await trainModels(encoding, unlabeled, labeled, directory);

const ceilings = Object.fromEntries(
  Object.entries(tests).map(([split, pairs]) => [split, oracleAccuracy(world, pairs)]),
);
const results = [];
for (const { name, folder, model } of models) {
  const result = { name, orders: folder !== 'discriminative' };
  for (const [split, pairs] of Object.entries(tests)) {
    const progress = createProgress({ label: `evaluate ${name}`, total: pairs.length, unit: 'pairs' });
    result[split] = await evaluatePairs(model, pairs, {
      seed: recipe.seed,
      onProgress: (done) => progress.update(done),
    });
    progress.finish();
  }
  results.push(result);
}

console.log(`\n${textTable(accuracyTable(results, ceilings))}\n`);

const correct = ({ items }) => items.map((item) => (item.correct ? 1 : 0));
const [two, vanilla] = results;
const gain = pairedBootstrap(
  correct(two.outOfDistribution),
  correct(vanilla.outOfDistribution),
  createRandom(recipe.seed, 'difference'),
);
const points = (value) => (100 * value).toFixed(1);
const difference =
  `Out of distribution, two stages minus one: ${points(gain.difference)} points ` +
  `(95 % interval ${points(gain.interval[0])} to ${points(gain.interval[1])}).`;
console.log(difference);

const judge = models[0].model;
const rankings = [];
for (const list of world.lists('out-of-distribution', recipe.lists.prompts, recipe.lists.size)) {
  const { order, scores } = await judge.rank(list.prompt, list.responses);
  rankings.push({
    title: list.family,
    prompt: list.prompt,
    responses: order.map((i) => ({
      text: list.responses[i],
      score: scores[i],
      remark: `oracle reward ${list.rewards[i].toFixed(2)}`,
    })),
  });
}
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
await writePage(
  report,
  reportPage({
    results,
    ceilings,
    curves,
    rankings,
    sizes: { unlabeled: unlabeled.length, labeled: labeled.length, parameters: models[0].parameters },
    seconds,
    difference,
  }),
);
console.log(`\nModels: ${directory}/{${models.map(({ folder }) => folder).join(',')}}`);
console.log(`Done in ${formatDuration(seconds)}.`);
console.log(report);
