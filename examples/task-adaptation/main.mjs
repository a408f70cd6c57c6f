/**
 * The paper's third study, task adaptation: how much data of a new task does a reward model need?
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
import { accuracyTable, reportPage, summarise } from './report.mjs';
import { phases, runSeed } from './study.mjs';

await runStudy({ laptop, paper }, phases, async (recipe) => {
  const started = performance.now();
  const directory = fileURLToPath(new URL(`./runs/${recipe.name}`, import.meta.url));
  await mkdir(directory, { recursive: true });
  const outcomes = [];
  for (const [i, seed] of recipe.seeds.entries()) {
    const materials = await openMaterials(recipe, seed);
    if (i === 0 && recipe.name === 'laptop')
      console.log('Task adaptation in the synthetic world: about a quarter of an hour on two cores.');
    console.log(`\nSeed ${seed} (${i + 1} of ${recipe.seeds.length})`);
    outcomes.push(await runSeed(materials, recipe, seed));
  }
  const summary = summarise(outcomes, recipe);
  for (const task of recipe.tasks)
    console.log(`\n${task}\n${textTable(accuracyTable(summary, recipe, task))}`);
  console.log('');
  for (const sentence of summary.sentences) console.log(sentence);
  const seconds = (performance.now() - started) / 1000;
  await writeFileAtomic(`${directory}/results.json`, JSON.stringify({ recipe, outcomes, seconds }));
  const report = `${directory}/report.html`;
  await writePage(report, reportPage(summary, recipe, seconds));
  console.log(`\nDone in ${formatDuration(seconds)}.`);
  console.log(report);
});
