/**
 * The paper's third study, task adaptation: how many labels of a new task does a judge need?
 *
 *     node main.mjs [--config laptop|tiny|paper] [--files DIR] [--dry-run] [--graphs]
 */
import { textTable } from '@gram/report';
import { runStudy } from '@gram-examples/common/command-line';
import { compute } from '@gram-examples/common/compute';
import { laptop } from './recipes/laptop.mjs';
import { paper } from './recipes/paper.mjs';
import { tiny } from './recipes/tiny.mjs';
import { accuracyTable, effectTable, primarySentence, reportPage } from './report.mjs';
import { phases, planOf } from './study.mjs';
import { summarize } from './summary.mjs';

await runStudy({ recipes: { laptop, tiny, paper }, url: import.meta.url, phases, study });

async function study(recipe, output) {
  const plan = planOf(recipe);
  const resultOf = await compute(recipe, plan.targets, 'task adaptation');
  const summary = summarize(recipe, plan, resultOf);
  for (const task of recipe.tasks) {
    console.log(`\n${textTable(accuracyTable(summary, recipe, task))}`);
    console.log(`\n${textTable(effectTable(summary, recipe, task))}`);
  }
  console.log(`\n${primarySentence(summary, recipe)}`);
  await output.finish(reportPage(summary, recipe, output.seconds()), { recipe, ...summary });
}
