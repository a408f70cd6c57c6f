/**
 * Loads a model and generates with it, in a process of its own so that the peak memory is its own:
 *
 *     node bench/generate/case.mjs MODEL PRECISION TASK.json
 *
 * The task holds token ids, so that every system does the same. Prints one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { createGenerator, openModel } from '@gram/model';
import { medianStep } from './steps.mjs';

const [path, precision, task] = process.argv.slice(2);
const { prefill, decodes, newTokens, steps } = JSON.parse(readFileSync(task, 'utf8'));
const peak = () => process.resourceUsage().maxRSS * 1024;

const started = performance.now();
const { config, weights } = await openModel(path, { precision });
const loadSeconds = (performance.now() - started) / 1000;

const generator = createGenerator({ config, weights });
const greedy = { temperature: 0 };
/** Generates, and gives the tokens of the first row with the seconds since the start at which each was chosen. */
async function generate(ids, rows, count) {
  const times = [];
  const start = performance.now();
  const onToken = ({ request }) => request === 0 && times.push((performance.now() - start) / 1000);
  const requests = Array.from({ length: rows }, () => ({ ids, decodings: [greedy] }));
  const completions = await generator.generate(requests, { maxNewTokens: count, stopIds: [], onToken });
  return { times, ids: completions[0][0].ids };
}

const figures = { loadSeconds };
const first = [];
for (let i = 0; i <= steps; i++) first.push((await generate(prefill, 1, 1)).times[0]);
figures.prefill = prefill.length / Math.min(...first.slice(1));
let ids;
for (const { name, rows, prompt } of decodes) {
  const run = await generate(prompt, rows, newTokens);
  ids ??= run.ids;
  figures[name] = rows / medianStep(run.times);
}
generator.dispose();
console.log(JSON.stringify({ ...figures, peakMemory: peak(), ids }));
