/**
 * Measures text generation beside llama.cpp, @huggingface/transformers (JavaScript) and transformers on PyTorch:
 *
 *     npm run bench:generate -- --model MODEL [--gguf FILE ...] [--python PATH] [--onnx DIRECTORY] [--rounds 2]
 *
 * MODEL is a directory, a GGUF file or a repository of the hub, for example SmolLM2-135M-Instruct. Each `--gguf` is the same
 * model for llama.cpp in another type, such as F32, Q8_0 and Q4_0, which bench/peers/requantize.py makes. With `--onnx`, the
 * directory of an ONNX export (optimum-cli export onnx --task text-generation-with-past; model.onnx in its folder onnx), the
 * weights run in transformers.js. Both need npm --prefix bench/peers install. With `--python`, a Python that has torch and
 * transformers, they run there.
 *
 * All systems get the same token ids and choose greedily. Prefill is the best of a few passes over 512 tokens, decoding the
 * median step after a prompt of so many tokens. Memory is the peak of the process. Our integers are packed before it begins.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { threadCount } from '@gram/base';
import { inspectModel, loadModel, readCompanions, saveModel } from '@gram/model';
import { tokenizerOf } from '@gram/tokenize';
import { json, peer, turns } from './common.mjs';
import { describeMachine } from './report/machine.mjs';
import { publish } from './report/publish.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    gguf: { type: 'string', multiple: true, default: [] },
    python: { type: 'string' },
    onnx: { type: 'string' },
    rounds: { type: 'string', default: '2' },
  },
});
if (options.model === undefined) {
  console.error('bench:generate needs --model: a model directory, a GGUF file or a repository of the hub');
  process.exit(2);
}
const rounds = Number(options.rounds);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'gram-bench-'));
try {
  const { model, ids } = await prepare();
  const decode = (rows, context) => ({
    name: `decode x ${rows}, ${context} before`,
    rows,
    prompt: ids.slice(0, context),
  });
  const decodes = [decode(1, 256), decode(8, 256), decode(32, 256), decode(8, 1024)];
  const write = (name, task) => {
    writeFileSync(join(folder, name), JSON.stringify(task));
    return join(folder, name);
  };
  const task = write('task.json', { prefill: ids.slice(0, 512), decodes, newTokens: 33, steps: 3 });
  const short = write('short.json', { prefill: ids.slice(0, 8), decodes: [], newTokens: 1, steps: 1 });
  const ours = (precision, asked = task) =>
    json(process.execPath, [here('./generate/case.mjs'), model, precision, asked]);
  for (const precision of ['int8', 'int4']) await ours(precision, short);
  const python = (dtype) =>
    peer(
      options.python,
      [here('./peers/generate.py'), model, dtype, task, threadCount()],
      'give --python, one with torch and transformers',
    );
  const { results, absent } = await turns(rounds, {
    'gram float32': () => ours('float32'),
    'gram int8': () => ours('int8'),
    'gram int4': () => ours('int4'),
    ...(await llamaCpp(task)),
    'transformers.js float32': peer(
      options.onnx && process.execPath,
      [here('./peers/transformers-js.mjs'), options.onnx, 'fp32', task],
      'give --onnx, an export of the model',
    ),
    'PyTorch float32': python('float32'),
    'PyTorch bfloat16': python('bfloat16'),
  });
  await publish({
    name: 'generate',
    title: 'Text generation',
    about:
      'All systems continue the same tokens greedily. Prefill is a pass over a prompt of 512 tokens, decoding is the step of one token for each of so many texts.',
    ...{ machine, rounds, results, absent },
    figures: figuresOf(results['gram float32'].ids, decodes),
    targets: targetsOf(decodes),
  });
} finally {
  rmSync(folder, { recursive: true });
}

/** Writes the weights that every system loads, float32 in the layout of Hugging Face, and gives real text as tokens. */
async function prepare() {
  const model = join(folder, 'model');
  const { config, weights, path } = await loadModel(options.model);
  await saveModel(model, { config, weights });
  // Real text: after random tokens the best next ones are nearly equally likely, and rounding would decide between them.
  const text = readFileSync(here('../ARCHITECTURE.md'), 'utf8');
  const ids = await tokenizerOf(await readCompanions(path), options.model).encode(text);
  return { model, ids: ids.slice(0, 1024) };
}

/** llama.cpp with each file, named by the type that most of its weights have. */
async function llamaCpp(task) {
  if (options.gguf.length === 0) return { 'llama.cpp': 'give --gguf, a file of the model' };
  const named = options.gguf.map(async (file) => {
    const { stored } = await inspectModel(file);
    const args = [here('./peers/llama-cpp.mjs'), file, task, threadCount()];
    return [`llama.cpp ${stored[0]?.type}`, peer(process.execPath, args)];
  });
  return Object.fromEntries(await Promise.all(named));
}

function figuresOf(expected, decodes) {
  const same = ({ ids }) => {
    const apart = expected.findIndex((id, i) => id !== ids[i]);
    return apart < 0 ? expected.length : apart;
  };
  return [
    { name: 'prefill, 512 tokens', unit: 'tokens/s', of: ({ prefill }) => prefill },
    ...decodes.map(({ name }) => ({ name, unit: 'tokens/s', of: (round) => round[name] })),
    { name: 'peak memory', unit: 'MB', of: ({ peakMemory }) => peakMemory / 1e6 },
    { name: 'loading', unit: 's', of: ({ loadSeconds }) => loadSeconds, isPlotted: false },
    { name: 'first tokens as gram float32', unit: '', of: same, isPlotted: false },
  ];
}

/** Our system beside others in one figure. */
function targetsOf(decodes) {
  const [one, eight, , long] = decodes.map(({ name }) => name);
  const integers = (bits, least) => ({ own: `gram int${bits}`, beside: [`llama.cpp Q${bits}_0`], ...least });
  const speed = (figure, target) => ({
    name: `${figure}: ${target.own} beside ${target.beside.join(', ')}`,
    of: (own, other) => own[figure] / other[figure],
    ...target,
  });
  const memory = (target) => ({
    ...speed('peakMemory', target),
    name: `peak memory: ${target.own} beside ${target.beside.join(', ')}`,
  });
  const plain = (least, ...beside) => ({ own: 'gram float32', beside, least });
  return [
    speed('prefill', plain(1.2, 'PyTorch float32', 'transformers.js float32')),
    speed('prefill', integers(8, { least: 3 })),
    speed(one, integers(8, { least: 1.3 })),
    speed(one, integers(4, { least: 1.3 })),
    speed(eight, plain(4, 'transformers.js float32')),
    speed(eight, plain(2, 'PyTorch float32')),
    speed(eight, plain(2, 'llama.cpp F32')),
    speed(eight, integers(8, { least: 2 })),
    speed(long, plain(2, 'PyTorch float32')),
    memory({ own: 'gram float32', beside: ['llama.cpp F32'], most: 1 }),
    memory(integers(8, { most: 1 })),
    memory(integers(4, { most: 1 })),
  ];
}
