/**
 * The paper's first study, reward ranking: does stage 1 help a judge with few labels on families of tasks that it never saw?
 *
 *     node main.mjs [--config laptop|tiny|paper] [--files DIR] [--dry-run]
 */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { textTable } from '@gram/report';
import { runStudy } from '@gram-examples/common/command-line';
import { compute, directoryOf } from '@gram-examples/common/compute';
import { laptop } from './recipes/laptop.mjs';
import { paper } from './recipes/paper.mjs';
import { tiny } from './recipes/tiny.mjs';
import { accuracyTable, primarySentence, reportPage } from './report.mjs';
import { phases, planOf, SPLITS } from './study.mjs';
import { summarize, toJson } from './summary.mjs';

await runStudy({ recipes: { laptop, tiny, paper }, url: import.meta.url, phases, study });

async function study(recipe, output) {
  if (recipe.name === 'laptop') {
    console.log(
      `Reward ranking in the synthetic world with ${recipe.seeds.length} seeds: about four minutes on two cores.`,
    );
  }
  const plan = planOf(recipe);
  const { cells, ranked } = plan;
  const targets = [...cells.flatMap(({ tests }) => Object.values(tests)), ...(ranked ? [ranked] : [])];
  const resultOf = await compute(recipe, targets, 'reward ranking');
  const summary = summarize(recipe, plan, resultOf);
  for (const split of SPLITS) console.log(`\n${textTable(accuracyTable(summary, recipe, split))}`);
  console.log(`\n${primarySentence(summary)}`);
  const rankings = ranked ? resultOf(ranked) : [];
  for (const ranking of rankings) printRanking(ranking);
  const seconds = output.seconds();
  await keepModels(recipe, plan, output.directory);
  const html = reportPage({ recipe, summary, losses: lossesOf(plan, resultOf), rankings, seconds });
  await output.finish(html, toJson(recipe, summary));
}

/** Copies the judges of the first seed with the most labels to where people look for them. */
async function keepModels(recipe, { cells }, directory) {
  const most = Math.max(...recipe.data.labeled);
  const names = ['GRAM', 'generative', 'discriminative'];
  for (const name of names) {
    const { judge } = cells.find(({ arm, labels }) => arm === name && labels === most);
    const target = join(directory, name.toLowerCase());
    await rm(target, { recursive: true, force: true });
    await cp(join(directoryOf(judge), 'model'), target, { recursive: true });
  }
  console.log(`\nModels: ${directory}/{${names.map((name) => name.toLowerCase()).join(',')}}`);
}

function printRanking({ prompt, responses }) {
  console.log(`\n${prompt}`);
  console.log(
    textTable({
      columns: [{ name: 'score' }, { name: 'oracle' }, { name: 'response' }],
      rows: responses.map(({ text, score, reward }) => [score.toFixed(3), reward.toFixed(2), text]),
    }),
  );
}

/** The losses of the first seed: of stage 1, and of the judges with the most labels. */
function lossesOf({ cells }, resultOf) {
  const [{ seed }] = cells;
  const most = Math.max(...cells.map(({ labels }) => labels));
  const own = cells.filter((cell) => cell.seed === seed && cell.labels === most);
  const series = own.map(({ arm, judge }) => ({ name: arm, points: resultOf(judge).losses }));
  const { model } = own.find(({ arm }) => arm === 'GRAM').judge.needs;
  return [
    {
      title: 'Stage 1: loss per token',
      yLabel: 'nats',
      series: [{ name: 'stage 1', points: resultOf(model).losses }],
    },
    { title: `Learning from ${most} labels: loss per pair`, yLabel: 'nats', series },
  ];
}
