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
import { json, peer, turns } from './common.mjs';
import { configurations } from './engine/configurations.mjs';
import { describeMachine } from './report/machine.mjs';
import { publish } from './report/publish.mjs';
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
/** Least speed and most memory beside PyTorch, by its precision: of both stages in bfloat16, of each in float32. */
const targets = {
  bfloat16: { 1: { speed: 1, memory: 0.6 }, 2: { speed: 1, memory: 0.6 } },
  float32: { 1: { speed: 1, memory: 0.7 }, 2: { speed: 1.5, memory: 0.7 } },
};
const rounds = Number(options.rounds);
const machine = describeMachine();
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
/** Stages and configurations that were chosen, those of one configuration together. */
const cases = Object.keys(configurations).flatMap((configuration) =>
  [1, 2].flatMap((stage) => {
    const name = `stage ${stage}, ${configuration}`;
    return name.includes(options.only) ? [{ name, stage, configuration }] : [];
  }),
);

const folder = mkdtempSync(join(tmpdir(), 'gram-bench-'));
try {
  for (const each of cases) {
    console.log(`measuring ${each.name}`);
    await measure(each);
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function measure({ name, stage, configuration }) {
  const model = join(folder, configuration);
  await json(process.execPath, [here('./train/weights.mjs'), configuration, model]);
  const task = trainingTask(stage, configurations[configuration], Number(options.steps), warmUpSteps);
  const path = join(folder, 'task.json');
  writeFileSync(path, JSON.stringify(task));
  const python = (dtype, order = 'shuffled', activations = 'keep') =>
    peer(
      options.python,
      [here('./peers/train.py'), model, path, dtype, order, activations, threadCount()],
      'give --python, one with torch and transformers',
    );
  const more = {
    'PyTorch float32, our batches': python('float32', 'sorted'),
    'PyTorch float32, checkpointing': python('float32', 'shuffled', 'recompute'),
  };
  const { results, absent } = await turns(rounds, {
    'gram float32': () => json(process.execPath, [here('./train/case.mjs'), model, path]),
    'PyTorch float32': python('float32'),
    'PyTorch bfloat16': python('bfloat16'),
    ...(options.more ? more : {}),
  });
  await publish({
    name: `train-${configuration}-stage-${stage}`,
    title: `Training, ${name}`,
    about: `Each system takes the same ${options.steps} optimizer steps from the same random weights of ${configuration}. PyTorch trains as the authors do: logits of the whole vocabulary, batches padded to their longest text.`,
    ...{ machine, rounds, results, absent },
    figures: figuresOf(stage, task),
    targets: targetsOf(stage),
  });
}

function figuresOf(stage, { sorted }) {
  const pairs = sorted.flat().length;
  const rate =
    stage === 1
      ? { unit: 'tokens/s', of: ({ real, seconds }) => real / seconds }
      : { unit: 'pairs/s', of: ({ seconds }) => pairs / seconds };
  return [
    { name: 'speed', ...rate },
    { name: 'peak memory', unit: 'MB', of: ({ peakMemory }) => peakMemory / 1e6 },
    {
      name: 'real tokens',
      unit: '% of computed ones',
      of: ({ real, computed }) => (100 * real) / computed,
      isPlotted: false,
    },
    { name: 'compiling', unit: 's', of: ({ compileSeconds }) => compileSeconds, isPlotted: false },
  ];
}

function targetsOf(stage) {
  return ['float32', 'bfloat16'].flatMap((dtype) => {
    const [own, beside] = ['gram float32', [`PyTorch ${dtype}`]];
    const { speed, memory } = targets[dtype][stage];
    const name = (what) => `${what}: ${own} beside ${beside}`;
    const losses = {
      name: `losses of ${warmUpSteps} steps: largest relative difference to ${beside}`,
      of: (ours, other) => Math.max(...ours.losses.map((loss, at) => Math.abs(loss / other.losses[at] - 1))),
    };
    return [
      { name: name('speed'), own, beside, of: (ours, other) => other.seconds / ours.seconds, least: speed },
      {
        name: name('peak memory'),
        ...{ own, beside, most: memory },
        of: (ours, other) => ours.peakMemory / other.peakMemory,
      },
      ...(dtype === 'float32' ? [{ ...losses, own, beside, most: 0.001, unit: '' }] : []),
    ];
  });
}
