/**
 * Measures judging of pairs beside transformers on PyTorch and @huggingface/transformers (JavaScript):
 *
 *     npm run bench:score -- --model MODEL [--data FILE] [--format NAME] [--python PATH] [--onnx DIRECTORY] [--pairs 200] [--rounds 1]
 *
 * MODEL is a directory, a GGUF file or a repository of the hub, for example SmolLM2-135M-Instruct; one without `gram.json` is
 * asked with the judging prompt of the authors. FILE holds judged pairs, `--format` says how; without it they are pairs of the
 * synthetic world. With `--python`, a Python that has torch and transformers, the same weights judge the same token ids there as
 * the authors' evaluator does, one sequence at a time and in batches of 4 and 16, in float32 and bfloat16. With `--onnx`, the
 * directory of an ONNX export as for bench:generate, they do in transformers.js, after npm --prefix bench/peers install.
 *
 * Each system has its own process, and the processes take turns. The list is 16 responses to one prompt, every pair of them judged
 * in both orders: in one call, and every eighth pair by itself.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { threadCount } from '@gram/base';
import { readPreferences } from '@gram/data';
import { inspectModel, loadModel, readCompanions, saveModel } from '@gram/model';
import { chatLayoutOf, createPairEncoder, judgePrompt, tokenizerOf } from '@gram/tokenize';
import { createWorld } from '@gram/world';
import { json, peer, turns } from './common.mjs';
import { describeMachine } from './report/machine.mjs';
import { publish } from './report/publish.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    data: { type: 'string' },
    format: { type: 'string', default: 'preference' },
    python: { type: 'string' },
    onnx: { type: 'string' },
    pairs: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '1' },
  },
});
if (options.model === undefined) {
  console.error('bench:score needs --model: a model directory, a GGUF file or a repository of the hub');
  process.exit(2);
}
const listSize = 16;
const rounds = Number(options.rounds);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'gram-bench-'));
try {
  const model = join(folder, 'model');
  const task = join(folder, 'task.json');
  const about = await prepare(model, task);
  const ours = (precision) => () =>
    json(process.execPath, [here('./score/case.mjs'), model, precision, task]);
  const python = (dtype, batch) =>
    peer(
      options.python,
      [here('./peers/score.py'), model, dtype, batch, task, threadCount()],
      'give --python, one with torch and transformers',
    );
  const systems = {
    'gram float32': ours('float32'),
    'gram int8': ours('int8'),
    'transformers.js float32': peer(
      options.onnx && process.execPath,
      [here('./peers/transformers-js-score.mjs'), options.onnx, 'fp32', task],
      'give --onnx, an export of the model',
    ),
  };
  for (const dtype of ['float32', 'bfloat16']) {
    for (const batch of [1, 4, 16]) systems[`PyTorch ${dtype}, batch ${batch}`] = python(dtype, batch);
  }
  const { results, absent } = await turns(rounds, systems);
  await publish({
    name: 'score',
    title: 'Judging pairs',
    ...{ about, machine, rounds, results, absent },
    figures: figuresOf(results['gram float32'].probabilities),
    targets: targetsOf(results['gram float32'].probabilities),
  });
} finally {
  rmSync(folder, { recursive: true });
}

/** Writes the weights that every system loads, and what they judge, as token ids. */
async function prepare(model, task) {
  const { config, weights, path } = await loadModel(options.model);
  await saveModel(model, { config, weights });
  const files = await readCompanions(path);
  const tokenizer = tokenizerOf(files, options.model);
  // A model that was trained to judge says how it is asked.
  const { gram } = await inspectModel(path);
  const chat = await chatLayoutOf(files, tokenizer, options.model, gram?.chat);
  const prompt = judgePrompt(gram?.judgePrompt ?? 'gram-eval-1');
  const maxLength = gram?.maxLength ?? 1024;
  const encoder = await createPairEncoder({ tokenizer, prompt, chat, maxLength, overlong: 'truncate' });
  const encoded = async ({ prompt, a, b }) =>
    Promise.all([encoder.comparison({ prompt, a, b }), encoder.comparison({ prompt, a: b, b: a })]).then(
      (orders) => orders.map(({ ids }) => Array.from(ids)),
    );
  const pairs = [];
  const texts = [];
  let prompted;
  const count = Number(options.pairs);
  const read =
    options.data === undefined
      ? createWorld({ seed: 7 }).testPairs('in-distribution', count)
      : readPreferences(options.data, { format: options.format });
  for await (const { prompt, chosen, rejected } of read) {
    pairs.push(await encoded({ prompt, a: chosen, b: rejected }));
    texts.push(chosen, rejected);
    prompted ??= prompt;
    if (pairs.length === count) break;
  }
  const list = [];
  const responses = texts.slice(0, listSize);
  for (const [i, a] of responses.entries()) {
    for (const b of responses.slice(i + 1)) list.push(await encoded({ prompt: prompted, a, b }));
  }
  writeFileSync(task, JSON.stringify({ pairs, list, labels: encoder.labelIds }));
  const tokens = pairs.flat().reduce((sum, ids) => sum + ids.length, 0);
  const mean = Math.round(tokens / pairs.length / 2);
  return `Each system judges ${pairs.length} pairs in both orders, in sequences of ${mean} tokens in the mean. The list is ${listSize} responses to one prompt, every pair of them in one call, beside a call for each pair.`;
}

function pairsPerSecond({ probabilities, seconds }) {
  return probabilities.length / seconds;
}

/** The share of pairs, in percent, with other winners than those of probabilities. */
function flips(expected, { probabilities }) {
  const other = probabilities.filter((p, i) => p > 0.5 !== expected[i] > 0.5).length;
  return (100 * other) / probabilities.length;
}

function figuresOf(expected) {
  return [
    { name: 'pairs', unit: 'pairs/s', of: pairsPerSecond },
    { name: 'peak memory', unit: 'MB', of: ({ peakMemory }) => peakMemory / 1e6 },
    { name: 'other winners than gram float32', unit: '%', of: (round) => flips(expected, round) },
    {
      name: 'list beside pair by pair',
      unit: 'x',
      of: ({ oneByOneSeconds, listSeconds }) => oneByOneSeconds / listSeconds,
      isPlotted: false,
    },
    {
      name: 'largest difference of a pair in the list',
      unit: '',
      of: ({ listDiffers }) => listDiffers,
      isPlotted: false,
    },
  ];
}

function targetsOf(expected) {
  const batches = (dtype) => [1, 4, 16].map((batch) => `PyTorch ${dtype}, batch ${batch}`);
  const speed = (least, own, name, beside) => ({
    name: `${own} beside ${name}`,
    ...{ own, beside, least },
    of: (ours, other) => pairsPerSecond(ours) / pairsPerSecond(other),
  });
  return [
    speed(5, 'gram float32', 'the best PyTorch float32', batches('float32')),
    speed(2.5, 'gram int8', 'the best PyTorch bfloat16', batches('bfloat16')),
    {
      name: 'winners that change in gram int8, less those of the best PyTorch bfloat16',
      own: 'gram int8',
      beside: batches('bfloat16'),
      of: (ours, other) => flips(expected, ours) - flips(expected, other),
      ...{ most: 0, unit: '% of pairs' },
    },
    speed(3, 'gram float32', 'transformers.js', ['transformers.js float32']),
    {
      name: `lists of ${listSize} beside pair by pair`,
      own: 'gram float32',
      of: ({ oneByOneSeconds, listSeconds }) => oneByOneSeconds / listSeconds,
      least: 2.5,
    },
  ];
}
