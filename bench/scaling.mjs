/**
 * Measures weak scaling: twice the processes, twice the batch, one thread each.
 *
 *     npm run bench:scaling [-- --steps 5 --rounds 2 --configuration 28m]
 *
 * `two alone` are two processes that do not communicate: what they lose, they lose to sharing the memory of the machine.
 * The second table estimates what 8 accelerators would do. Give a measured time of a step with `--step-3b` and `--step-8b`
 * (the defaults are round numbers, not measurements), and bandwidths in GB/s with `--sum` and `--copy`.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { textTable } from '@gram/report';
import { json, turns } from './common.mjs';
import { describeMachine } from './report/machine.mjs';
import { publish } from './report/publish.mjs';
import { expectedScaling, stateBytes } from './scaling/estimate.mjs';

const { values: options } = parseArgs({
  options: {
    configuration: { type: 'string', default: '28m' },
    steps: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '2' },
    'step-3b': { type: 'string', default: '8' },
    'step-8b': { type: 'string', default: '20' },
    sum: { type: 'string', default: '5' },
    copy: { type: 'string', default: '20' },
  },
});
const table = (names, rows) => textTable({ columns: names.map((name) => ({ name })), rows });
process.env.GRAM_THREADS = '1';
const script = fileURLToPath(new URL('./scaling/case.mjs', import.meta.url));
const shape = [options.configuration, '4', '256', options.steps];
const alone = () => json(process.execPath, [script, ...shape, 'alone']);
const together = (ranks, sharding) => () =>
  json('mpirun', [
    ...['-np', String(ranks), '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'],
    ...[process.execPath, script, ...shape, sharding],
  ]);

if (spawnSync('mpirun', ['--version']).status === 0) await measure(Number(options.rounds));
else console.log('no mpirun: npm run mpi installs one');

async function measure(rounds) {
  const machine = describeMachine();
  const both = async () => {
    const [a, b] = await Promise.all([alone(), alone()]);
    return { ...a, seconds: Math.max(a.seconds, b.seconds) };
  };
  const processes = {
    'gram, 1': { count: 1, run: alone },
    'gram, 2 alone': { count: 2, run: both },
    'gram, 2, all-reduce': { count: 2, run: together(2, 'none') },
    'gram, 2, ZeRO-1': { count: 2, run: together(2, 'zero1') },
  };
  const counted =
    ({ count, run }) =>
    async () => ({ ...(await run()), count });
  const systems = Object.entries(processes).map(([name, process]) => [name, counted(process)]);
  const { results, absent } = await turns(rounds, Object.fromEntries(systems));
  await publish({
    name: 'scaling',
    title: 'Ranks',
    about: `Weak scaling of a training step of ${options.configuration}: twice the processes, twice the batch, one thread each. Two alone do not communicate; what they lose, they lose to sharing the memory of the machine.`,
    ...{ machine, rounds, results, absent },
    figures: [
      { name: 'step', unit: 's', of: ({ seconds }) => seconds },
      { name: 'speed', unit: 'tokens/s', of: ({ count, tokens, seconds }) => (count * tokens) / seconds },
      {
        name: 'all-reduce',
        unit: 'GB/s',
        of: ({ bytes, allReduce }) => bytes / allReduce / 1e9,
        isPlotted: false,
      },
      { name: 'peak memory of one', unit: 'MB', of: ({ peakMemory }) => peakMemory / 1e6 },
    ],
  });
}

const links = { sum: 1e9 * Number(options.sum), copy: 1e9 * Number(options.copy) };
const giga = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`;
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const models = [
  { name: '3 B', parameters: 3.2e9, adapter: 24e6, seconds: Number(options['step-3b']) },
  { name: '8 B', parameters: 8.0e9, adapter: 42e6, seconds: Number(options['step-8b']) },
];
const processes = 8;
const rows = models.flatMap(({ name, parameters, adapter, seconds }) => {
  const line = (what, trained, sharding) => {
    const { sum, copy, efficiency } = expectedScaling({ seconds, trained, processes, links });
    const bytes = stateBytes({ parameters, trained, processes, sharding });
    const exchange = `${(sum + copy).toFixed(sum + copy < 1 ? 3 : 1)} s`;
    return [`${name}, ${what}`, `${seconds} s`, exchange, percent(efficiency), giga(bytes)];
  };
  return [
    line('all weights', parameters, 'none'),
    line('all weights, ZeRO-1', parameters, 'zero1'),
    line('LoRA of rank 16 on all projections', adapter, 'none'),
  ];
});
console.log(
  `\nOn paper: 8 processes, sums at ${options.sum} GB/s, copies to the host at ${options.copy} GB/s\n`,
);
console.log(
  table(['model', 'step of one', 'exchange', 'efficiency', 'weights, gradients, moments of each'], rows),
);
