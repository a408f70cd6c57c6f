/**
 * The paper's second study, RLHF: a policy learns from three reward models, and the oracle says what became of it.
 *
 *     node main.mjs [--config laptop|paper] [--files DIR] [--dry-run]
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '@gram/base';
import { formatDuration, textTable, writePage } from '@gram/report';
import { runStudy } from '@gram-examples/common/command-line';
import { openMaterials } from '@gram-examples/common/materials';
import { laptop } from './recipes/laptop.mjs';
import { paper } from './recipes/paper.mjs';
import { bestOfNTable, reportPage, resultTable, summarise } from './report.mjs';
import { phases, runSeed } from './study.mjs';

await runStudy({ laptop, paper }, phases, async (recipe) => {
  const started = performance.now();
  const directory = fileURLToPath(new URL(`./runs/${recipe.name}`, import.meta.url));
  await mkdir(directory, { recursive: true });
  if (recipe.name === 'laptop')
    console.log('RLHF in the synthetic world: about a quarter of an hour on two cores.');
  const outcomes = [];
  for (const [i, seed] of recipe.seeds.entries()) {
    console.log(`\nSeed ${seed} (${i + 1} of ${recipe.seeds.length})`);
    const materials = await openMaterials(recipe, seed);
    outcomes.push(await runSeed(materials, recipe, seed, `${directory}/seed-${seed}`));
  }
  const summary = summarise(outcomes);
  console.log(`\n${textTable(resultTable(summary))}\n`);
  for (const sentence of summary.sentences) console.log(sentence);
  console.log(`\n${textTable(bestOfNTable(summary))}`);
  const seconds = (performance.now() - started) / 1000;
  await writeFileAtomic(`${directory}/results.json`, JSON.stringify({ recipe, outcomes, seconds }));
  const report = `${directory}/report.html`;
  await writePage(report, reportPage({ recipe, outcomes, summary, seconds }));
  console.log(`\nPolicies: ${directory}/seed-*; done in ${formatDuration(seconds)}.`);
  console.log(report);
});
