/**
 * The JavaScript side of the scoring benchmark: pairs judged with @huggingface/transformers and its ONNX export of the model.
 *
 *     npm --prefix bench/peers install
 *     node bench/peers/transformers-js-score.mjs EXPORT_DIRECTORY DTYPE TASK.json
 *
 * One sequence at a time: its attention mask is for padding on the right, where the logits of the last token are not the last
 * ones. Prints one line of JSON.
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

const [path, dtype, taskPath] = process.argv.slice(2);
const { pairs, labels } = JSON.parse(readFileSync(taskPath, 'utf8'));
env.allowRemoteModels = false;
env.localModelPath = dirname(resolve(path));
const model = await AutoModelForCausalLM.from_pretrained(basename(resolve(path)), { dtype, device: 'cpu' });

/** Gives the probability of the first label after a sequence. */
async function first(ids) {
  const shape = [1, ids.length];
  const { logits } = await model({
    input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), shape),
    attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
  });
  const last = logits.data.subarray(logits.data.length - logits.dims.at(-1));
  return 1 / (1 + Math.exp(last[labels[1]] - last[labels[0]]));
}

await first(pairs[0][0]);
const start = performance.now();
const probabilities = [];
for (const [ab, ba] of pairs) probabilities.push(((await first(ab)) + 1 - (await first(ba))) / 2);
const seconds = (performance.now() - start) / 1000;
const version = `@huggingface/transformers ${env.version}`;
const peakMemory = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ seconds, probabilities, peakMemory, version }));
