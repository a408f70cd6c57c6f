/**
 * The side of llama.cpp of the generation benchmark, through node-llama-cpp:
 *
 *     npm --prefix bench/peers install
 *     node bench/peers/llama-cpp.mjs MODEL.gguf TASK.json THREADS
 *
 * The task holds token ids, so that every system does the same. Texts that are decoded at once are sequences of one context,
 * whose steps llama.cpp computes together. Prints one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { measureTask } from '../generate/measure-task.mjs';

let library;
try {
  library = await import('node-llama-cpp');
} catch {
  console.log(JSON.stringify({ unavailable: 'node-llama-cpp is not installed in bench/peers' }));
  process.exit(0);
}
const { getLlama, getModuleVersion } = library;

const [modelPath, taskPath, threadWord] = process.argv.slice(2);
const task = JSON.parse(readFileSync(taskPath, 'utf8'));
const threads = Number(threadWord);
// Only what the package brings: nothing is built or downloaded.
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: 'error' });
const started = performance.now();
const model = await llama.loadModel({ modelPath });
const loadSeconds = (performance.now() - started) / 1000;

/** Generates from a context of its own, and gives the tokens of the first row with the seconds at which each was chosen. */
async function generate(prompt, rows, count) {
  const contextSize = prompt.length + count + 1;
  const context = await model.createContext({ sequences: rows, contextSize, batchSize: 512, threads });
  const start = performance.now();
  const row = async () => {
    const chosen = { times: [], ids: [] };
    const sequence = context.getSequence();
    for await (const id of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
      chosen.times.push((performance.now() - start) / 1000);
      chosen.ids.push(id);
      if (chosen.ids.length === count) break;
    }
    return chosen;
  };
  const [first] = await Promise.all(Array.from({ length: rows }, row));
  await context.dispose();
  return first;
}

const figures = {
  loadSeconds,
  version: `node-llama-cpp ${await getModuleVersion()}`,
  ...(await measureTask(generate, task)),
};
const peakMemory = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ ...figures, peakMemory }));
process.exit(0);
