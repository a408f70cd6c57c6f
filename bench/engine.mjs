/**
 * Measures the engine beside the limits of the machine, other ways to run the same graph, and PyTorch:
 *
 *     npm run bench:engine [-- --python PATH] [--only WORD] [--rounds 2]
 *
 * The processes take turns. With `--python`, a Python that has torch, the same models also run there (bench/peers/llama.py).
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { threadCount } from '@gram/base';
import { json, peer, turns } from './common.mjs';
import { describeMachine } from './report/machine.mjs';
import { publish } from './report/publish.mjs';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string' },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '2' },
  },
});
const rounds = Number(options.rounds);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const machine = describeMachine();
const results = {};
const absent = new Map();
const targets = [];

/** A work: its name, its configuration, and how many texts and tokens a step has. */
const workOf = (task, config, batch, length) => ({
  name: `${task} ${config}, ${batch} x ${length}`,
  ...{ task, config, batch, length },
});
const ours =
  (task, { config, batch, length }, ...more) =>
  () =>
    json(process.execPath, [here('./engine/case.mjs'), task, config, batch, length, ...more].map(String));

function torch({ task, config, batch, length }, steps) {
  const shape = ['--config', config, '--batch', batch, '--length', length, '--steps', steps];
  const args = [here('./peers/llama.py'), '--task', task, ...shape, '--threads', threadCount()];
  return peer(options.python, args, 'give --python, one with torch');
}

const systemName = (system, { name }) => `${system}, ${name}`;

/** Measures systems at a work, and gives a function that notes a target of it. */
async function measure(work, systems) {
  const named = Object.entries(systems).map(([system, run]) => [systemName(system, work), run]);
  const found = await turns(rounds, Object.fromEntries(named));
  Object.assign(results, found.results);
  for (const { name, reason } of found.absent) absent.set(name.split(',')[0], reason);
  return (name, { own = 'gram', beside, ...bound }) =>
    targets.push({
      name: `${work.name}: ${name}`,
      own: systemName(own, work),
      beside: beside && [systemName(beside, work)],
      ...bound,
    });
}

const speed = { of: (own, other) => (other.secondsPerStep ?? other.seconds) / own.seconds };
const besideTorch = { beside: 'PyTorch' };
const ofLimit = ({ flop, seconds, limit }) => flop / seconds / limit;
const ofBandwidth = ({ bytes, seconds, bandwidth }) => bytes / seconds / bandwidth;

async function training(steps, ...shape) {
  const work = workOf('train', ...shape);
  const target = await measure(work, { gram: ours('train', work, steps), PyTorch: torch(work, steps) });
  target('of the limit of matrix products', { of: ofLimit, least: 0.78, unit: '' });
  target('traces and sessions', { of: ({ compiled }) => compiled, most: 3, unit: 's' });
  target('speed beside PyTorch', { ...besideTorch, ...speed, least: 1 });
  target('peak memory beside PyTorch', {
    ...besideTorch,
    of: (own, other) => own.peakMemory / other.peakMemoryBytes,
    most: 1,
  });
}

async function prefilling(steps, ...shape) {
  const work = workOf('prefill', ...shape);
  const target = await measure(work, {
    gram: ours('prefill', work, steps),
    'gram int8': ours('int8-prefill', work, steps),
    PyTorch: torch(work, steps),
  });
  target('trace and session', { of: ({ compile }) => compile.trace + compile.create, most: 3, unit: 's' });
  target('int8 beside float32', {
    own: 'gram int8',
    of: ({ float, seconds }) => float / seconds,
    least: 2.5,
  });
  target('speed beside PyTorch', { ...besideTorch, ...speed, least: 1 });
}

async function besideTensorFlowJs(...shape) {
  const work = workOf('prefill', ...shape);
  await measure(work, {
    gram: ours('prefill', work, 6),
    'TensorFlow.js wasm': ours('tfjs', work, 3, 'wasm'),
    'TensorFlow.js cpu': ours('tfjs', work, 1, 'cpu'),
  });
}

async function decoding(steps, ...shape) {
  const work = workOf('decode', ...shape);
  const target = await measure(work, {
    gram: ours('decode', work, steps),
    'onnxruntime-node': ours('decode-binding', work, Math.ceil(steps / 2)),
    PyTorch: torch(work, steps),
  });
  if (work.batch === 1) target('of the read bandwidth', { of: ofBandwidth, least: 0.8, unit: '' });
  if (work.batch === 8)
    target('speed beside onnxruntime-node', { beside: 'onnxruntime-node', ...speed, least: 4 });
  target('speed beside PyTorch', { ...besideTorch, ...speed, least: 1 });
}

const benchmarks = {
  'train 28m': () => training(6, '28m', 4, 256),
  'train 135m': () => training(3, '135m', 2, 512),
  'prefill 135m 1 x 512': () => prefilling(8, '135m', 1, 512),
  'prefill 135m 4 x 128': () => prefilling(8, '135m', 4, 128),
  'prefill 28m tfjs': () => besideTensorFlowJs('28m', 1, 64),
  'decode 135m 1': () => decoding(48, '135m', 1, 128),
  'decode 135m 8': () => decoding(24, '135m', 8, 128),
  'decode 135m 16': () => decoding(16, '135m', 16, 128),
};
for (const [name, run] of Object.entries(benchmarks)) {
  if (!name.includes(options.only)) continue;
  console.log(`measuring ${name}`);
  await run();
}
await publish({
  name: 'engine',
  title: 'Engine',
  about:
    'Models with random weights, in float32 where nothing else is said: a step of training, a prefill, a step of decoding with room for 1024 tokens.',
  ...{ machine, rounds, results, targets },
  absent: Array.from(absent, ([name, reason]) => ({ name, reason })),
  figures: [
    {
      name: 'step',
      unit: 'ms',
      of: ({ secondsPerStep, seconds }) => 1000 * (secondsPerStep ?? seconds),
      isPlotted: false,
    },
    { name: 'of the limit of matrix products', unit: '', of: ofLimit },
    { name: 'of the read bandwidth', unit: '', of: ofBandwidth },
    {
      name: 'peak memory',
      unit: 'MB',
      of: ({ peakMemory, peakMemoryBytes }) => (peakMemory ?? peakMemoryBytes) / 1e6,
      isPlotted: false,
    },
  ],
});
