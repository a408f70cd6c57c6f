import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '@gram/base';
import { formatDuration, writePage } from '@gram/report';
import { claimOutput } from '@gram/run';

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
    /** Writes the page and the summary, which says where and when it was made, and prints where the page is. */
    async finish(html, summary) {
      const report = `${directory}/report.html`;
      const made = {
        date: new Date().toISOString().slice(0, 10),
        processor: processor(),
        seconds: seconds(),
      };
      await writeFileAtomic(
        `${directory}/summary.json`,
        `${JSON.stringify({ ...summary, made }, null, 2)}\n`,
      );
      await writePage(report, html);
      await output.release();
      console.log(`Done in ${formatDuration(seconds())}.`);
      console.log(report);
    },
  };
}

function processor() {
  const all = cpus();
  return `${all.length} x ${all[0]?.model.trim() ?? 'unknown'}`;
}
