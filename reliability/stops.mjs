// Ends runs at random moments, from the first millisecond on, and starts the same command again until it is done.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createRandom } from '@gram/base';
import { writeJsonl } from '@gram/data';
import { createWorld } from '@gram/world';

const GRAM = fileURLToPath(new URL('../packages/cli/bin/gram.js', import.meta.url));

const CONFIG = `
stage: finetune
data: { path: pairs.jsonl }
init:
  scratch:
    vocabSize: 512
    hiddenSize: 32
    intermediateSize: 48
    numHiddenLayers: 1
    numAttentionHeads: 4
    numKeyValueHeads: 2
    maxPositionEmbeddings: 512
maxLength: 512
optimizer: { learningRate: 3e-3, batchSize: 8, microBatchSize: 4, epochs: 8 }
checkpointEvery: 1
seed: 3
output: out
`;
const finetune = ['finetune', '--config', 'config.yaml', '--resume'];
const model = ['model/model.safetensors', 'model/config.json', 'model/gram.json'];

/** A command that can be started again, and the files that must have the same bytes however it was stopped. */
const kinds = [
  { name: 'finetune', argv: finetune, result: model.map((file) => `out/${file}`) },
  {
    name: 'LoRA',
    argv: [
      ...finetune,
      ...['init.scratch=', 'init.model=base', 'lora.rank=4', 'lora.alpha=8', 'lora.dropout=0.1'].flatMap(
        (set) => ['--set', set],
      ),
    ],
    result: ['out/adapter/adapter_model.safetensors', ...model.map((file) => `out/${file}`)],
  },
  {
    name: 'benchmark',
    argv: ['eval', '--model', 'base', '--benchmark', 'llmbar', '--data', 'natural.json', '--out', 'out'],
    result: ['out/items.jsonl', 'out/summary.json'],
  },
];

/** What a command that was told to stop may end with: it was killed, it noticed, or it was done before. */
const EXPECTED = { SIGKILL: ['SIGKILL', 0], SIGTERM: ['SIGTERM', 0, 130, 143] };

/**
 * Stops each kind of run at so many moments.
 *
 * @returns for each kind and signal the number of stops, of runs that they fell into, and faults
 */
export async function runStops({ seed, stops, only = [], onProgress = () => undefined }) {
  const folder = mkdtempSync(join(tmpdir(), 'gram-stops-'));
  const results = [];
  try {
    const shop = await makeShop(folder);
    for (const kind of kinds.filter(({ name }) => only.length === 0 || only.includes(name))) {
      const straight = copyOf(shop, join(folder, `${kind.name}-straight`));
      const started = performance.now();
      const end = await run(kind, straight).ended;
      if (end.how !== 0) throw new Error(`${kind.name} fails without being stopped: ${end.errors}`);
      const whole = { milliseconds: performance.now() - started, files: contents(straight, kind.result) };
      for (const [signal, count] of Object.entries(stops)) {
        const result = await stopOften(kind, { shop, folder, seed, signal, count, whole });
        onProgress(result);
        results.push(result);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

async function stopOften(kind, { shop, folder, seed, signal, count, whole }) {
  const random = createRandom(seed, 'stops', kind.name, signal);
  const result = { name: kind.name, signal, stops: 0, runs: 0, faults: [] };
  while (result.stops < count && result.faults.length < 5) {
    const place = copyOf(shop, join(folder, `${kind.name}-${signal}-${result.runs++}`));
    // A run of which every start is stopped at once would never be done, so the last ones are left alone.
    for (let attempt = 0; ; attempt++) {
      const { child, ended } = run(kind, place);
      const isLast = attempt >= 12 || result.stops >= count;
      if (!isLast) {
        await Promise.race([wait(random.uniform() * whole.milliseconds), ended]);
        if (child.kill(signal)) result.stops++;
      }
      const { how, errors } = await ended;
      const isExpected = isLast ? how === 0 : EXPECTED[signal].includes(how);
      if (!isExpected) result.faults.push({ stops: result.stops, detail: `ended with ${how}: ${errors}` });
      if (how === 0 || isLast || !isExpected) break;
    }
    const differing = kind.result.filter((file, at) => contents(place, [file])[0] !== whole.files[at]);
    if (differing.length > 0)
      result.faults.push({ stops: result.stops, detail: `other bytes in ${differing}` });
    rmSync(place, { recursive: true, force: true });
  }
  return result;
}

/** Starts a command; `ended` resolves to its status or the signal that ended it, and to what it printed last. */
function run({ argv }, cwd) {
  const child = spawn(process.execPath, [GRAM, ...argv], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data) => {
    errors = (errors + data).slice(-1500);
  });
  const ended = new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ how: signal ?? code, errors }));
  });
  return { child, ended };
}

/** Files that all kinds read: pairs, a configuration, a model and the items of a benchmark. */
async function makeShop(folder) {
  const shop = join(folder, 'shop');
  mkdirSync(shop);
  const world = createWorld({ seed: 5 });
  await writeJsonl(join(shop, 'pairs.jsonl'), world.labeledPairs(40));
  writeFileSync(join(shop, 'config.yaml'), CONFIG);
  const items = world.labeledPairs(60).map(({ prompt, chosen, rejected }) => ({
    input: prompt,
    output_1: chosen,
    output_2: rejected,
    label: 1,
  }));
  writeFileSync(join(shop, 'natural.json'), JSON.stringify(items));
  const { how, errors } = await run({ argv: finetune }, shop).ended;
  if (how !== 0) throw new Error(errors);
  cpSync(join(shop, 'out/model'), join(shop, 'base'), { recursive: true });
  rmSync(join(shop, 'out'), { recursive: true });
  return shop;
}

function copyOf(shop, place) {
  cpSync(shop, place, { recursive: true });
  return place;
}

function contents(place, files) {
  return files.map((file) => {
    try {
      return readFileSync(join(place, file)).toString('base64');
    } catch {
      return undefined;
    }
  });
}
