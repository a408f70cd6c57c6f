/**
 * Measures the two stages of training beside transformers on PyTorch:
 *
 *     npm run bench:train [-- --python PATH] [--only WORD] [--rounds 2] [--steps 6] [--more]
 *
 * With `--python`, a Python that has torch and transformers, LlamaForCausalLM trains there from the same random weights on
 * the same sequences, in as many steps and micro-batches of the same size, in float32 and in bfloat16 (autocast), written
 * as the authors of GRAM do it (bench/peers/train.py). `--more` adds PyTorch on our sorted batches, and with gradient
 * checkpointing. `--only` takes a part of a name: `28m`, `stage 2`, `stage 1, 135m`.
 *
 * Rates count real tokens, no padding, over all measured steps. Two steps before them are not counted; their losses are
 * compared. `gram` compiles a graph at the first use of a bucket of lengths: these uses come before the measured steps,
 * and the seconds of compiling have a column of their own. Each system has its own process, and the processes take turns;
 * figures are medians over the processes. The ratios count: each comes from one run on one machine.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { threadCount } from '@gram/base';
import { runtimeVersion } from '@gram/engine';
import { textTable } from '@gram/report';
import { json, mega, times, turns } from './common.mjs';
import { configurations } from './engine/configurations.mjs';
import { trainingTask } from './train/tasks.mjs';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string' },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '2' },
    steps: { type: 'string', default: '6' },
    more: { type: 'boolean', default: false },
  },
});
const warmUpSteps = 2;
const targets = {
  1: { speed: '>= 1.0 x', memory: '<= 0.7 x' },
  2: { speed: '>= 1.5 x', memory: '<= 0.7 x' },
};
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const table = (heads, rows) =>
  console.log(`\n${textTable({ columns: heads.map((name) => ({ name })), rows })}`);

/** Stages and configurations that were chosen, those of one configuration together. */
const cases = Object.keys(configurations).flatMap((configuration) =>
  [1, 2].flatMap((stage) => {
    const name = `stage ${stage}, ${configuration}`;
    return name.includes(options.only) ? [{ name, stage, configuration }] : [];
  }),
);

const folder = mkdtempSync(join(tmpdir(), 'gram-bench-'));
const [figures, ratios] = [[], []];
try {
  console.log(`onnxruntime ${runtimeVersion()}, ${threadCount()} threads, Node ${process.version}`);
  for (const { name, stage, configuration } of cases) {
    console.log(`measuring ${name}`);
    await measure(name, stage, configuration);
  }
} finally {
  rmSync(folder, { recursive: true });
}
table(['training', 'system', 'rate', 'of computed tokens real', 'peak memory', 'compiling'], figures);
if (ratios.length > 0) {
  table(['training', 'ours beside', 'speed', 'target', 'peak memory', 'target', 'losses differ by'], ratios);
  console.log(
    `\ntarget of the losses in float32: <= 1e-3, the largest relative difference of ${warmUpSteps} steps`,
  );
}

async function measure(name, stage, configuration) {
  const model = join(folder, configuration);
  await json(process.execPath, [here('./train/weights.mjs'), configuration, model]);
  const task = trainingTask(stage, configurations[configuration], Number(options.steps), warmUpSteps);
  const path = join(folder, 'task.json');
  writeFileSync(path, JSON.stringify(task));

  const python =
    (dtype, order = 'shuffled', activations = 'keep') =>
    () =>
      options.python &&
      json(options.python, [
        here('./peers/train.py'),
        ...[model, path, dtype, order, activations, String(threadCount())],
      ]);
  const more = {
    'PyTorch float32, our batches': python('float32', 'sorted'),
    'PyTorch float32, checkpointing': python('float32', 'shuffled', 'recompute'),
  };
  const systems = {
    'gram float32': () => json(process.execPath, [here('./train/case.mjs'), model, path]),
    'PyTorch float32': python('float32'),
    'PyTorch bfloat16': python('bfloat16'),
    ...(options.more ? more : {}),
  };
  const results = await turns(Number(options.rounds), ...Object.values(systems));
  const [own] = results;
  const pairs = task.sorted.flat().length;
  const rate = ({ real, seconds }) => {
    const value = (stage === 1 ? real : pairs) / seconds;
    return stage === 1 ? `${value.toFixed(0)} tokens/s` : `${value.toFixed(2)} pairs/s`;
  };
  for (const [i, system] of Object.keys(systems).entries()) {
    const result = results[i];
    if (result === undefined) continue;
    const compiling =
      result.graphs === undefined ? '' : `${result.compileSeconds.toFixed(1)} s, ${result.graphs} graphs`;
    const share = (result.real / result.computed).toFixed(2);
    figures.push([name, system, rate(result), share, mega(result.peakMemory), compiling]);
    if (i === 0) continue;
    const apart = own.losses.map(
      (loss, at) => Math.abs(loss - result.losses[at]) / Math.abs(result.losses[at]),
    );
    ratios.push([
      name,
      system,
      times(result.seconds / own.seconds),
      targets[stage].speed,
      times(own.peakMemory / result.peakMemory),
      targets[stage].memory,
      Math.max(...apart).toExponential(1),
    ]);
  }
}
