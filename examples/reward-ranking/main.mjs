/**
 * The paper's first study, reward ranking: does stage 1 help a judge with few labels on families of tasks that it never saw?
 *
 *     node main.mjs [--config laptop|questions|search|short|small|tiny|paper] [--files DIR] [--model PATH] [--only WORDS] [--dry-run]
 *         [--graphs]
 */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { textTable } from '@gram/report';
import { runStudy } from '@gram-examples/common/command-line';
import { compute, directoryOf } from '@gram-examples/common/compute';
import { askedOf, questionPhases } from './questions/plan.mjs';
import { questionsPage, questionTable } from './questions/report.mjs';
import { summarize as summarizeQuestions } from './questions/summary.mjs';
import { laptop } from './recipes/laptop.mjs';
import { paper } from './recipes/paper.mjs';
import { questions } from './recipes/questions.mjs';
import { search } from './recipes/search.mjs';
import { short } from './recipes/short.mjs';
import { small } from './recipes/small.mjs';
import { tiny } from './recipes/tiny.mjs';
import { accuracyTable, primarySentence, reportPage, unlabeledSentence } from './report.mjs';
import { phases as smallPhases } from './small/plan.mjs';
import { runSmall } from './small/run.mjs';
import { phases, planOf, SPLITS } from './study.mjs';
import { summarize, toJson } from './summary.mjs';

await runStudy({
  recipes: { laptop, questions, search, short, small, tiny, paper },
  url: import.meta.url,
  phases: (recipe) => partsOf(recipe).phases(recipe),
  study: (recipe, output) => partsOf(recipe).study(recipe, output),
});

/** The purpose of a recipe: one comparison, questions that change one setting at a time, or pieces on real text. */
function partsOf({ questions: asked, judges }) {
  if (asked !== undefined) return { phases: questionPhases, study: ask };
  return judges === undefined ? { phases, study: rank } : { phases: smallPhases, study: runSmall };
}

/** Computes what the main comparison leaves open, one setting at a time. */
async function ask(recipe, output) {
  const asked = askedOf(recipe);
  const tests = asked.flatMap(({ settings }) => settings.flatMap((setting) => setting.tests));
  const resultOf = await compute(recipe, tests.flatMap(Object.values), 'questions');
  const summary = summarizeQuestions(asked, resultOf);
  for (const question of summary)
    console.log(`\n${question.question}\n${textTable(questionTable(question, recipe))}`);
  const html = questionsPage({ recipe, summary, seconds: output.seconds() });
  await output.finish(html, { recipe, questions: summary });
}

async function rank(recipe, output) {
  if (recipe.name === 'laptop') {
    console.log(
      `Reward ranking in the synthetic world with ${recipe.seeds.length} seeds: about six minutes on two cores.`,
    );
  }
  const plan = planOf(recipe);
  const { ranked } = plan;
  const resultOf = await compute(recipe, plan.targets, 'reward ranking');
  const summary = summarize(recipe, plan, resultOf);
  for (const split of SPLITS) console.log(`\n${textTable(accuracyTable(summary, recipe, split))}`);
  console.log(`\n${primarySentence(summary)}\n${unlabeledSentence(summary)}`);
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
  const names = { gram: 'GRAM', discriminative: 'discriminative', likelihood: 'by likelihood, stage 1' };
  const kept = Object.entries(names).filter(([, arm]) => recipe.arms.includes(arm));
  for (const [name, wanted] of kept) {
    const { judge } = cells.find(({ arm, labels }) => arm === wanted && labels === most);
    const target = join(directory, name);
    await rm(target, { recursive: true, force: true });
    await cp(join(directoryOf(judge), 'model'), target, { recursive: true });
  }
  console.log(`\nModels: ${directory}/{${kept.map(([name]) => name).join(',')}}`);
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
