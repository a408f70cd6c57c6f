/**
 * Measures what the cost grows with:
 *
 *     npm run bench:scaling [-- --steps 5 --rounds 2 --configuration 28m --axis NAME]
 *
 * The axes are length, batch, list, size and threads (bench/scaling/axes.mjs), and ranks; `--axis` measures one of them. The
 * exponent of a cost is the slope of its line where both axes are logarithms. It stands beside that of the floating-point
 * operations, which is what it would be at the rate of matrix products at every size. The threads give the serial share of the
 * work, and what it leaves of 8 and 64 threads by the law of Amdahl.
 *
 * Ranks are weak scaling: twice the processes, twice the batch, one thread each. `two alone` are two processes that do not
 * communicate: what they lose, they lose to sharing the memory of the machine.
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
import { AXES } from './scaling/axes.mjs';
import { expectedScaling, stateBytes } from './scaling/estimate.mjs';
import { axisFindings } from './scaling/findings.mjs';

const { values: options } = parseArgs({
  options: {
    configuration: { type: 'string', default: '28m' },
    steps: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '2' },
    axis: { type: 'string' },
    'step-3b': { type: 'string', default: '8' },
    'step-8b': { type: 'string', default: '20' },
    sum: { type: 'string', default: '5' },
    copy: { type: 'string', default: '20' },
  },
});
const table = (names, rows) => textTable({ columns: names.map((name) => ({ name })), rows });
const axes = [...Object.keys(AXES), 'ranks'];
if (options.axis !== undefined && !axes.includes(options.axis)) {
  console.error(`there is no axis ${options.axis}; --axis takes ${axes.join(', ')}`);
  process.exit(2);
}
const chosen = axes.filter((name) => options.axis === undefined || name === options.axis);
for (const name of chosen.filter((name) => name in AXES)) await measureAxis(name, AXES[name]);

process.env.GRAM_THREADS = '1';
const script = fileURLToPath(new URL('./scaling/case.mjs', import.meta.url));
const shape = [options.configuration, '4', '256', options.steps];
const alone = () => json(process.execPath, [script, ...shape, 'alone']);
const together = (ranks, sharding) => () =>
  json('mpirun', [
    ...['-np', String(ranks), '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'],
    ...[process.execPath, script, ...shape, sharding],
  ]);

if (chosen.includes('ranks')) {
  if (spawnSync('mpirun', ['--version']).status === 0) await measureRanks(Number(options.rounds));
  else console.log('no mpirun: npm run mpi installs one');
  printEstimate();
}

/** Measures the works of an axis, each in processes of its own that take turns. */
async function measureAxis(name, axis) {
  console.log(`measuring ${axis.title}`);
  const machine = describeMachine();
  const program = fileURLToPath(new URL('./scaling/point.mjs', import.meta.url));
  const pointsOf = async (work, points) => {
    const { threads } = points[0];
    if (threads !== undefined) process.env.GRAM_THREADS = String(threads);
    const found = await json(process.execPath, [program, work, JSON.stringify(points), options.steps]);
    if (threads !== undefined) delete process.env.GRAM_THREADS;
    return found.points;
  };
  const runs = Object.entries(axis.works).map(([work, points]) => [
    `gram ${work}`,
    async () => {
      // The number of threads is that of a process.
      const parts = points[0].threads === undefined ? [points] : points.map((point) => [point]);
      const found = [];
      for (const part of parts) found.push(...(await pointsOf(work, part)));
      return { points: found };
    },
  ]);
  const { results, absent } = await turns(Number(options.rounds), Object.fromEntries(runs));
  await publish({ machine, rounds: Number(options.rounds), absent, ...axisFindings(name, axis, results) });
}

async function measureRanks(rounds) {
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
    name: 'scaling-ranks',
    title: 'Scaling: ranks',
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

/** Prints what 8 processes on accelerators would do, by the formulas of bench/scaling/estimate.mjs. */
function printEstimate() {
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
}
