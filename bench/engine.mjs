/**
 * Measures the engine beside the limits of the machine, other ways to run the same graph, and PyTorch:
 *
 *     npm run bench:engine [-- --python PATH] [--only WORD] [--rounds 2]
 *
 * Every figure is the median of processes that take turns. The ratios count: each comes from one run on one machine. With
 * `--python`, a Python that has torch, the same models also run there (bench/peers/llama.py).
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { threadCount } from '@gram/base';
import { runtimeVersion } from '@gram/engine';
import { textTable } from '@gram/report';
import { json, mega, times, turns } from './common.mjs';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string' },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '2' },
  },
});
const rounds = Number(options.rounds);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const ours = (...args) => json(process.execPath, [here('./engine/case.mjs'), ...args.map(String)]);

function torch(task, config, batch, length, steps) {
  if (options.python === undefined) return undefined;
  const shape = ['--config', config, '--batch', batch, '--length', length, '--steps', steps];
  const args = [here('./peers/llama.py'), '--task', task, ...shape, '--threads', threadCount()];
  return json(options.python, args.map(String));
}

const rows = [];
const add = (what, figure, ratio, target = '') => rows.push([what, figure, ratio, target]);
const share = (ratio) => ratio.toFixed(2);
const giga = (rate) => `${(rate / 1e9).toFixed(0)} GFLOP/s`;
const perSecond = ({ work, seconds }) => `${(work / seconds).toFixed(work / seconds < 100 ? 1 : 0)} tokens/s`;

/** Adds the rows that compare with PyTorch, where it ran. */
function besideTorch(what, own, peer, { speed = '', memory = '' } = {}) {
  if (peer === undefined) return;
  const peerSeconds = peer.secondsPerStep;
  add(
    `${what}: speed beside PyTorch fp32`,
    `${peerSeconds.toFixed(3)} s there`,
    times(peerSeconds / own.seconds),
    speed,
  );
  if (memory !== '') {
    add(
      `${what}: peak memory beside PyTorch`,
      mega(own.peakMemory),
      times(own.peakMemory / peer.peakMemoryBytes),
      memory,
    );
  }
}

async function training(config, batch, length, steps) {
  const what = `train ${config}, ${batch} x ${length}`;
  const [own, peer] = await turns(
    rounds,
    () => ours('train', config, batch, length, steps),
    () => torch('train', config, batch, length, steps),
  );
  add(
    `${what}: of the limit of matrix products`,
    giga(own.flop / own.seconds),
    share(own.flop / own.seconds / own.limit),
    '>= 0.75',
  );
  add(`${what}: traces and sessions`, `${own.compiled.toFixed(2)} s`, '', '<= 3 s');
  besideTorch(what, own, peer, { speed: '>= 1.0 x', memory: '<= 1.0 x' });
}

async function prefilling(config, batch, length, steps) {
  const what = `prefill ${config}, ${batch} x ${length}`;
  const [own, rounded, peer] = await turns(
    rounds,
    () => ours('prefill', config, batch, length, steps),
    () => ours('int8-prefill', config, batch, length, steps),
    () => torch('prefill', config, batch, length, steps),
  );
  add(
    `${what}: of the limit of matrix products`,
    giga(own.flop / own.seconds),
    share(own.flop / own.seconds / own.limit),
  );
  add(`${what}: trace and session`, `${(own.compile.trace + own.compile.create).toFixed(2)} s`, '', '<= 3 s');
  add(
    `${what}: int8 beside float32`,
    `difference ${(100 * rounded.difference).toFixed(1)} %`,
    times(rounded.float / rounded.seconds),
    '>= 2.5 x',
  );
  besideTorch(what, own, peer);
}

async function besideTensorFlowJs(config, batch, length) {
  const what = `prefill ${config}, ${batch} x ${length}`;
  const [own, wasm, plain] = await turns(
    rounds,
    () => ours('prefill', config, batch, length, 6),
    () => ours('tfjs', config, batch, length, 3, 'wasm'),
    () => ours('tfjs', config, batch, length, 1, 'cpu'),
  );
  add(`${what}: beside TensorFlow.js wasm`, perSecond(own), times(wasm.seconds / own.seconds));
  add(`${what}: beside TensorFlow.js cpu`, perSecond(own), times(plain.seconds / own.seconds));
}

async function decoding(config, batch, length, steps, { bandwidth = '', binding = '' } = {}) {
  const what = `decode ${config}, batch ${batch}, room for 1024`;
  const [own, other, peer] = await turns(
    rounds,
    () => ours('decode', config, batch, length, steps),
    () => ours('decode-binding', config, batch, length, Math.ceil(steps / 2)),
    () => torch('decode', config, batch, length, steps),
  );
  const rate = own.bytes / own.seconds;
  add(
    `${what}: of what the memory can be read at`,
    `${(rate / 1e9).toFixed(1)} of ${(own.bandwidth / 1e9).toFixed(1)} GB/s`,
    share(rate / own.bandwidth),
    bandwidth,
  );
  add(
    `${what}: beside onnxruntime-node's binding`,
    perSecond(own),
    times(other.seconds / own.seconds),
    binding,
  );
  besideTorch(what, own, peer);
}

const benchmarks = {
  'train 28m': () => training('28m', 4, 256, 6),
  'train 135m': () => training('135m', 2, 512, 3),
  'prefill 135m 1 x 512': () => prefilling('135m', 1, 512, 8),
  'prefill 135m 4 x 128': () => prefilling('135m', 4, 128, 8),
  'prefill 28m tfjs': () => besideTensorFlowJs('28m', 1, 64),
  'decode 135m 1': () => decoding('135m', 1, 128, 48, { bandwidth: '>= 0.7' }),
  'decode 135m 8': () => decoding('135m', 8, 128, 24, { binding: '>= 4 x' }),
  'decode 135m 16': () => decoding('135m', 16, 128, 16),
};

console.log(`onnxruntime ${runtimeVersion()}, ${threadCount()} threads, Node ${process.version}`);
for (const [name, run] of Object.entries(benchmarks)) {
  if (!name.includes(options.only)) continue;
  console.log(`measuring ${name}`);
  await run();
}
const columns = [{ name: 'measurement' }, { name: 'figure' }, { name: 'ratio' }, { name: 'target' }];
console.log(`\n${textTable({ columns, rows })}`);
