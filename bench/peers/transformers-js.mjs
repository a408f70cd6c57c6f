/**
 * The JavaScript side of the generation benchmark: @huggingface/transformers with its ONNX export of the model.
 *
 *     npm --prefix bench/peers install
 *     node bench/peers/transformers-js.mjs EXPORT_DIRECTORY DTYPE TASK.json
 *
 * The directory holds config.json and onnx/model.onnx (or another name for another dtype). The task holds token ids, so that
 * every system does the same. Prints one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

let library;
try {
  library = await import('@huggingface/transformers');
} catch {
  console.log(JSON.stringify({ unavailable: '@huggingface/transformers is not installed' }));
  process.exit(0);
}
const { AutoModelForCausalLM, env, Tensor } = library;

const [path, dtype, task] = process.argv.slice(2);
const { prefill, prompt, batches, newTokens, steps } = JSON.parse(readFileSync(task, 'utf8'));
const peak = () => process.resourceUsage().maxRSS * 1024;

env.allowRemoteModels = false;
env.localModelPath = dirname(resolve(path));
const before = process.memoryUsage().rss;
const started = performance.now();
const model = await AutoModelForCausalLM.from_pretrained(basename(resolve(path)), { dtype, device: 'cpu' });
const loadSeconds = (performance.now() - started) / 1000;
const loadBytes = peak() - before;

async function generate(ids, rows, count) {
  const all = BigInt64Array.from(Array.from({ length: rows }, () => ids.map(BigInt)).flat());
  const shape = [rows, ids.length];
  const start = performance.now();
  const out = await model.generate({
    inputs: new Tensor('int64', all, shape),
    attention_mask: new Tensor('int64', new BigInt64Array(all.length).fill(1n), shape),
    do_sample: false,
    max_new_tokens: count,
    min_new_tokens: count,
  });
  const seconds = (performance.now() - start) / 1000;
  const [first] = out.tolist();
  return { seconds, ids: first.slice(ids.length).map(Number) };
}
const fastest = async (count, run) => {
  const seconds = [];
  for (let i = 0; i <= count; i++) seconds.push((await run()).seconds);
  return Math.min(...seconds.slice(1));
};

const figures = { loadSeconds, loadBytes };
figures.prefill = prefill.length / (await fastest(steps, () => generate(prefill, 1, 1)));
for (const rows of batches) {
  const one = await fastest(steps, () => generate(prompt, rows, 1));
  const all = await fastest(steps, () => generate(prompt, rows, newTokens));
  figures[`decode${rows}`] = (rows * (newTokens - 1)) / (all - one);
}
const { ids } = await generate(prompt, 1, newTokens);
console.log(JSON.stringify({ ...figures, peakMemory: peak(), ids }));
