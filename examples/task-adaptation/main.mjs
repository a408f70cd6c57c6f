/**
 * The paper's third study, task adaptation: how much data of a new task does a reward model need?
 *
 *     node main.mjs [--config laptop|paper] [--files DIR] [--dry-run]
 */
import { textTable } from '@gram/report';
import { runStudy } from '@gram-examples/common/command-line';
import { runSeeds } from '@gram-examples/common/output';
import { laptop } from './recipes/laptop.mjs';
import { paper } from './recipes/paper.mjs';
import { accuracyTable, reportPage, summarize } from './report.mjs';
import { phases, runSeed } from './study.mjs';

await runStudy({ recipes: { laptop, paper }, url: import.meta.url, phases, study });

async function study(recipe, output) {
  if (recipe.name === 'laptop') {
    console.log('Task adaptation in the synthetic world: about a quarter of an hour on two cores.');
  }
  const outcomes = await runSeeds(recipe, (materials, seed) => runSeed(materials, recipe, seed));
  const summary = summarize(outcomes, recipe);
  for (const task of recipe.tasks) {
    console.log(`\n${task}\n${textTable(accuracyTable(summary, recipe, task))}`);
  }
  console.log('');
  for (const sentence of summary.sentences) console.log(sentence);
  console.log('');
  await output.saveResults(outcomes);
  await output.finish(reportPage(summary, recipe, output.seconds()));
}
