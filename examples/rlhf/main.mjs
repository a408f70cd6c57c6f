/**
 * The paper's second study, RLHF: a policy learns from three reward models, and the oracle says what became of it.
 *
 *     node main.mjs [--config laptop|paper] [--files DIR] [--dry-run]
 */
import { textTable } from '@gram/report';
import { runStudy } from '@gram-examples/common/command-line';
import { runSeeds } from '@gram-examples/common/output';
import { laptop } from './recipes/laptop.mjs';
import { paper } from './recipes/paper.mjs';
import { bestOfNTable, reportPage, resultTable, summarize } from './report.mjs';
import { phases, runSeed } from './study.mjs';

await runStudy({ recipes: { laptop, paper }, url: import.meta.url, phases, study });

async function study(recipe, output) {
  if (recipe.name === 'laptop') {
    console.log('RLHF in the synthetic world: about a quarter of an hour on two cores.');
  }
  const outcomes = await runSeeds(recipe, (materials, seed) =>
    runSeed(materials, recipe, seed, `${output.directory}/seed-${seed}`),
  );
  const summary = summarize(outcomes);
  console.log(`\n${textTable(resultTable(summary))}\n`);
  for (const sentence of summary.sentences) console.log(sentence);
  console.log(`\n${textTable(bestOfNTable(summary))}`);
  console.log(`\nPolicies: ${output.directory}/seed-*`);
  await output.saveResults(outcomes);
  await output.finish(reportPage({ recipe, outcomes, summary, seconds: output.seconds() }));
}
