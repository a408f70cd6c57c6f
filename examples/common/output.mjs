import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '@gram/base';
import { formatDuration, writePage } from '@gram/report';
import { claimOutput } from '@gram/run';
import { openMaterials } from './materials.mjs';

/** Note on the synthetic world that stands in every report. */
export const WORLD_NOTE =
  'The synthetic world is a test bed with a known truth. What holds here need not hold for large models and human labels.';

/** Makes the directory of a study's results; the clock of the study starts here. */
export async function openOutput(recipe, url) {
  const started = performance.now();
  const directory = fileURLToPath(new URL(`./runs/${recipe.name}`, url));
  const output = await claimOutput(directory);
  const seconds = () => (performance.now() - started) / 1000;
  return {
    directory,
    seconds,
    /** Writes what was measured, for later evaluation. */
    async saveResults(outcomes) {
      const results = JSON.stringify({ recipe, outcomes, seconds: seconds() });
      await writeFileAtomic(`${directory}/results.json`, results);
    },
    /** Writes the page and prints where it is. */
    async finish(html) {
      const report = `${directory}/report.html`;
      await writePage(report, html);
      await output.release();
      console.log(`Done in ${formatDuration(seconds())}.`);
      console.log(report);
    },
  };
}

/** Runs a study once for each seed of its recipe, with the materials of that seed. */
export async function runSeeds(recipe, runSeed) {
  const outcomes = [];
  for (const [i, seed] of recipe.seeds.entries()) {
    console.log(`\nSeed ${seed} (${i + 1} of ${recipe.seeds.length})`);
    outcomes.push(await runSeed(await openMaterials(recipe, seed), seed));
  }
  return outcomes;
}
