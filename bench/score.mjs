/**
 * Measures judging of pairs beside transformers on PyTorch and @huggingface/transformers (JavaScript):
 *
 *     npm run bench:score -- --model MODEL --data FILE [--format NAME] [--python PATH] [--onnx DIRECTORY] [--pairs 200] [--rounds 1]
 *
 * MODEL is a directory, a GGUF file or a repository of the hub, for example SmolLM2-135M-Instruct; one without `gram.json` is
 * asked with the judging prompt of the authors. FILE holds judged pairs, `--format` says how. With `--python`, a Python that has
 * torch and transformers, the same weights judge the same token ids there as the authors' evaluator does, one sequence at a time
 * and in batches of 4 and 16, in float32 and bfloat16. With `--onnx`, the directory of an ONNX export as for bench:generate, they
 * do in transformers.js, after npm --prefix bench/peers install.
 *
 * Each system has its own process, and the processes take turns; figures are medians over the rounds. The list is 16 responses to one
 * prompt, every pair of them judged in both orders: in one call, and every eighth pair by itself.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { threadCount } from '@gram/base';
import { readPreferences } from '@gram/data';
import { runtimeVersion } from '@gram/engine';
import { inspectModel, loadModel, readCompanions, saveModel } from '@gram/model';
import { textTable } from '@gram/report';
import { chatLayoutOf, createPairEncoder, judgePrompt, tokenizerOf } from '@gram/tokenize';
import { json, mega, times, turns } from './common.mjs';

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
if (options.model === undefined || options.data === undefined) {
  console.error('bench:score needs --model, a language model, and --data, a file of judged pairs');
  process.exit(2);
}
const listSize = 16;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gram-bench-'));
try {
  const model = join(folder, 'model');
  const task = join(folder, 'task.json');
  await prepare(model, task);
  const ours = (precision) => () =>
    json(process.execPath, [here('./score/case.mjs'), model, precision, task]);
  const python = (dtype, batch) => () =>
    options.python &&
    json(options.python, [
      here('./peers/score.py'),
      model,
      dtype,
      String(batch),
      task,
      String(threadCount()),
    ]);
  const js = () =>
    options.onnx &&
    json(process.execPath, [here('./peers/transformers-js-score.mjs'), options.onnx, 'fp32', task]);
  const systems = {
    'gram float32': ours('float32'),
    'gram int8': ours('int8'),
    'transformers.js float32': js,
  };
  for (const dtype of ['float32', 'bfloat16']) {
    for (const batch of [1, 4, 16]) systems[`PyTorch ${dtype}, batch ${batch}`] = python(dtype, batch);
  }
  console.log(`onnxruntime ${runtimeVersion()}, ${threadCount()} threads, Node ${process.version}`);
  const results = await turns(Number(options.rounds), ...Object.values(systems));
  const found = Object.keys(systems).flatMap((name, i) => (results[i] ? [[name, results[i]]] : []));
  report(found);
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
  for await (const { prompt, chosen, rejected } of readPreferences(options.data, {
    format: options.format,
  })) {
    pairs.push(await encoded({ prompt, a: chosen, b: rejected }));
    texts.push(chosen, rejected);
    prompted ??= prompt;
    if (pairs.length === Number(options.pairs)) break;
  }
  const list = [];
  const responses = texts.slice(0, listSize);
  for (const [i, a] of responses.entries()) {
    for (const b of responses.slice(i + 1)) list.push(await encoded({ prompt: prompted, a, b }));
  }
  writeFileSync(task, JSON.stringify({ pairs, list, labels: encoder.labelIds }));
  const tokens = pairs.flat().reduce((sum, ids) => sum + ids.length, 0);
  console.log(
    `${pairs.length} pairs, ${Math.round(tokens / pairs.length / 2)} tokens a sequence in the mean`,
  );
}

function report(found) {
  const [, own] = found[0];
  const winners = ({ probabilities }) => probabilities.map((p) => p > 0.5);
  const rows = found.map(([name, result]) => {
    const same = winners(result).filter((winner, i) => winner === winners(own)[i]).length;
    return [
      name,
      (result.probabilities.length / result.seconds).toFixed(2),
      mega(result.peakMemory),
      `${((100 * same) / result.probabilities.length).toFixed(1)} %`,
      times(result.seconds / own.seconds),
      times(result.seconds / found[1][1].seconds),
      result.listSeconds === undefined ? '' : times(result.oneByOneSeconds / result.listSeconds),
    ];
  });
  const columns = [
    'system',
    'pairs/s',
    'peak memory',
    'winners as ours',
    'ours float32 beside it',
    'ours int8 beside it',
    'list beside pairs',
  ];
  console.log(`\n${textTable({ columns: columns.map((name) => ({ name })), rows })}\n`);
  console.log(
    `targets: >= 2.5 x the best PyTorch, >= 3 x transformers.js, lists >= 2 x pair by pair, winners >= 99 %\n` +
      `a pair in the list and alone differ by at most ${own.listDiffers.toExponential(1)}`,
  );
}
