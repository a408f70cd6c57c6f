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
import { measureTask } from '../generate/measure-task.mjs';

let library;
try {
  library = await import('@huggingface/transformers');
} catch {
  console.log(JSON.stringify({ unavailable: '@huggingface/transformers is not installed' }));
  process.exit(0);
}
const { AutoModelForCausalLM, env, LogitsProcessor, LogitsProcessorList, Tensor } = library;

const [path, dtype, taskPath] = process.argv.slice(2);
const task = JSON.parse(readFileSync(taskPath, 'utf8'));
const peak = () => process.resourceUsage().maxRSS * 1024;

env.allowRemoteModels = false;
env.localModelPath = dirname(resolve(path));
const started = performance.now();
const model = await AutoModelForCausalLM.from_pretrained(basename(resolve(path)), { dtype, device: 'cpu' });
const loadSeconds = (performance.now() - started) / 1000;

/** Notes when logits are there, and leaves them as they are. */
class Clock extends LogitsProcessor {
  times = [];
  start = performance.now();
  _call(_ids, logits) {
    this.times.push((performance.now() - this.start) / 1000);
    return logits;
  }
}

async function generate(ids, rows, count) {
  const all = BigInt64Array.from(Array.from({ length: rows }, () => ids.map(BigInt)).flat());
  const shape = [rows, ids.length];
  const clock = new Clock();
  const processors = new LogitsProcessorList();
  processors.push(clock);
  const out = await model.generate({
    inputs: new Tensor('int64', all, shape),
    attention_mask: new Tensor('int64', new BigInt64Array(all.length).fill(1n), shape),
    do_sample: false,
    max_new_tokens: count,
    min_new_tokens: count,
    logits_processor: processors,
  });
  const [first] = out.tolist();
  return { times: clock.times, ids: first.slice(ids.length).map(Number) };
}
const figures = {
  loadSeconds,
  version: `@huggingface/transformers ${env.version}`,
  ...(await measureTask(generate, task)),
};
console.log(JSON.stringify({ ...figures, peakMemory: peak() }));
