/**
 * The paper's second study, RLHF: policies learn from judges, judges choose the best of n samples, and the oracle says what became
 * of it.
 *
 *     node main.mjs [--config laptop|tiny|paper] [--files DIR] [--dry-run] [--graphs]
 */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { textTable } from '@gram/report';
import { runStudy } from '@gram-examples/common/command-line';
import { compute, directoryOf } from '@gram-examples/common/compute';
import { laptop } from './recipes/laptop.mjs';
import { paper } from './recipes/paper.mjs';
import { tiny } from './recipes/tiny.mjs';
import {
  bestOfNTable,
  differenceTable,
  policyTable,
  primarySentences,
  reportPage,
  shownOf,
} from './report.mjs';
import { phases, planOf } from './study.mjs';
import { summarize } from './summary.mjs';

await runStudy({ recipes: { laptop, tiny, paper }, url: import.meta.url, phases, study });

async function study(recipe, output) {
  const plan = planOf(recipe);
  const resultOf = await compute(recipe, plan.targets, 'RLHF');
  const summary = summarize(recipe, plan, resultOf);
  for (const tableOf of [policyTable, bestOfNTable, differenceTable]) {
    console.log(`\n${textTable(tableOf(summary))}`);
  }
  console.log(`\n${primarySentences(summary).join('\n')}`);
  await keepPolicies(recipe, plan, output.directory);
  const shown = shownOf(plan, resultOf);
  await output.finish(reportPage({ recipe, summary, shown, seconds: output.seconds() }), {
    recipe,
    ...summary,
  });
}

/** Copies the policies of the first seed to where people look for them. */
async function keepPolicies({ seeds: [first] }, { cells }, directory) {
  for (const { arm, run } of cells.filter(({ seed }) => seed === first)) {
    const target = join(directory, arm.toLowerCase().replaceAll(/\W+/g, '-'));
    await rm(target, { recursive: true, force: true });
    await cp(join(directoryOf(run), 'model'), target, { recursive: true });
  }
  console.log(`\nPolicies: ${directory}`);
}
