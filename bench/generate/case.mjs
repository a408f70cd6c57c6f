/**
 * Loads a model and generates with it, in a process of its own so that the peak memory is its own:
 *
 *     node bench/generate/case.mjs MODEL PRECISION TASK.json
 *
 * The task holds token ids, so that every system does the same. Prints one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { createGenerator, openModel } from '@gram/model';
import { measureTask } from './measure-task.mjs';

const [path, precision, taskPath] = process.argv.slice(2);
const task = JSON.parse(readFileSync(taskPath, 'utf8'));
const peak = () => process.resourceUsage().maxRSS * 1024;

const started = performance.now();
const { config, weights } = await openModel(path, { precision });
const loadSeconds = (performance.now() - started) / 1000;

// Peers add one token in a run.
const generator = createGenerator({ config, weights, lookUp: false });
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

const figures = { loadSeconds, ...(await measureTask(generate, task)) };
generator.dispose();
console.log(JSON.stringify({ ...figures, peakMemory: peak() }));
