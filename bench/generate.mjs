/**
 * Measures text generation beside @huggingface/transformers (JavaScript) and transformers on PyTorch:
 *
 *     npm run bench:generate -- --model MODEL [--python PATH] [--onnx DIRECTORY] [--rounds 2]
 *
 * MODEL is a directory, a GGUF file or a repository of the hub, for example SmolLM2-135M-Instruct. With `--python`, a Python
 * that has torch and transformers, the same weights run there. With `--onnx`, the directory of an ONNX export
 * (optimum-cli export onnx --task text-generation-with-past; model.onnx in its folder onnx), they run in transformers.js,
 * after npm --prefix bench/peers install.
 *
 * All systems get the same token ids and choose greedily. Prefill is the best of a few passes over 512 tokens, decoding the
 * median step after a prompt of so many tokens. Processes take turns, and figures are medians over the processes. The ratios count: each comes from one run on one machine.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { threadCount } from '@gram/base';
import { runtimeVersion } from '@gram/engine';
import { loadModel, readCompanions, saveModel } from '@gram/model';
import { textTable } from '@gram/report';
import { tokenizerOf } from '@gram/tokenize';
import { json, mega, times, turns } from './common.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    python: { type: 'string' },
    onnx: { type: 'string' },
    rounds: { type: 'string', default: '2' },
  },
});
if (options.model === undefined) {
  console.error('bench:generate needs --model: a model directory, a GGUF file or a repository of the hub');
  process.exit(2);
}
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gram-bench-'));
try {
  // The weights that every system loads: float32 in the layout of Hugging Face.
  const model = join(folder, 'model');
  const { config, weights, path } = await loadModel(options.model);
  await saveModel(model, { config, weights });

  // Real text: what follows random tokens is close to a tie, which rounding decides.
  const files = await readCompanions(path);
  const text = readFileSync(here('../ARCHITECTURE.md'), 'utf8');
  const ids = (await tokenizerOf(files, options.model).encode(text)).slice(0, 1024);
  const task = join(folder, 'task.json');
  const decode = (rows, context) => ({
    name: `decode x ${rows}, ${context}`,
    rows,
    prompt: ids.slice(0, context),
  });
  const decodes = [decode(1, 256), decode(8, 256), decode(32, 256), decode(8, 1024)];
  writeFileSync(task, JSON.stringify({ prefill: ids.slice(0, 512), decodes, newTokens: 33, steps: 3 }));

  const ours = (precision) => () =>
    json(process.execPath, [here('./generate/case.mjs'), model, precision, task]);
  const python = (dtype) => () =>
    options.python &&
    json(options.python, [here('./peers/generate.py'), model, dtype, task, String(threadCount())]);
  const js = (dtype) => () =>
    options.onnx && json(process.execPath, [here('./peers/transformers-js.mjs'), options.onnx, dtype, task]);

  console.log(`onnxruntime ${runtimeVersion()}, ${threadCount()} threads, Node ${process.version}`);
  const systems = {
    'gram float32': ours('float32'),
    'gram int8': ours('int8'),
    'gram int4': ours('int4'),
    'transformers.js float32': js('fp32'),
    'PyTorch float32': python('float32'),
    'PyTorch bfloat16': python('bfloat16'),
  };
  const results = await turns(Number(options.rounds), ...Object.values(systems));
  const found = Object.keys(systems).flatMap((name, i) => (results[i] ? [[name, results[i]]] : []));
  const [, own] = found[0];

  const rate = (value) => value.toFixed(value < 100 ? 1 : 0);
  const agree = (other) => {
    const apart = own.ids.findIndex((id, i) => id !== other.ids[i]);
    return apart < 0 ? `all ${own.ids.length}` : `first ${apart}`;
  };
  const columns = [
    { name: 'tokens/s' },
    { name: 'prefill 512' },
    ...decodes.map(({ name }) => ({ name })),
    { name: 'load' },
    { name: 'loading takes' },
    { name: 'peak' },
    { name: 'same tokens' },
  ];
  const rows = found.map(([name, figures]) => [
    name,
    rate(figures.prefill),
    ...decodes.map(({ name: each }) => rate(figures[each])),
    `${figures.loadSeconds.toFixed(1)} s`,
    mega(figures.loadBytes),
    mega(figures.peakMemory),
    agree(figures),
  ]);
  console.log(`\n${textTable({ columns, rows })}\n`);

  const ratios = found
    .slice(1)
    .map(([name, peer]) => [
      `gram float32 beside ${name}`,
      times(own.prefill / peer.prefill),
      ...decodes.map(({ name: each }) => times(own[each] / peer[each])),
      times(own.peakMemory / peer.peakMemory),
    ]);
  const heads = ['ratio', 'prefill 512', ...decodes.map(({ name }) => name), 'peak memory'];
  console.log(`${textTable({ columns: heads.map((name) => ({ name })), rows: ratios })}\n`);
  console.log(
    `targets: decode x 8 >= 4 x transformers.js and >= 2 x PyTorch, prefill >= 1.2 x both; ` +
      `loading <= 1.2 x the weights: ${(own.loadBytes / own.weightBytes).toFixed(2)} x`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
