/**
 * Loads a model and generates with it, in a process of its own so that its peak of memory is its own:
 *
 *     node bench/generate/case.mjs MODEL PRECISION TASK.json
 *
 * The task holds token ids, so that every system does the same. Prints one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { createGenerator, loadModel } from '@gram/model';

const [path, precision, task] = process.argv.slice(2);
const { prefill, prompt, batches, newTokens, steps } = JSON.parse(readFileSync(task, 'utf8'));
const peak = () => process.resourceUsage().maxRSS * 1024;

const before = process.memoryUsage().rss;
const started = performance.now();
const { config, weights } = await loadModel(path);
const loadSeconds = (performance.now() - started) / 1000;
const loadBytes = peak() - before;
const weightBytes = Object.values(weights).reduce((sum, { data }) => sum + data.byteLength, 0);

const generator = createGenerator({ config, weights, fixedWeights: true, precision });
const greedy = { temperature: 0 };
/** Seconds of a generation of exactly `count` tokens, and its tokens. */
async function generate(ids, rows, count) {
  const start = performance.now();
  const requests = Array.from({ length: rows }, () => ({ ids, decodings: [greedy] }));
  const completions = await generator.generate(requests, { maxNewTokens: count, stopIds: [] });
  return { seconds: (performance.now() - start) / 1000, ids: completions[0][0].ids };
}
const fastest = async (count, run) => {
  const seconds = [];
  for (let i = 0; i <= count; i++) seconds.push((await run()).seconds);
  return Math.min(...seconds.slice(1));
};

const figures = { loadSeconds, loadBytes, weightBytes };
figures.prefill = prefill.length / (await fastest(steps, () => generate(prefill, 1, 1)));
for (const rows of batches) {
  const one = await fastest(steps, () => generate(prompt, rows, 1));
  const all = await fastest(steps, () => generate(prompt, rows, newTokens));
  figures[`decode${rows}`] = (rows * (newTokens - 1)) / (all - one);
}
const { ids } = await generate(prompt, 1, newTokens);
generator.dispose();
console.log(JSON.stringify({ ...figures, peakMemory: peak(), ids }));
