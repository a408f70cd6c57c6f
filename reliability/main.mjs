// Attacks what reads files and requests, and writes what came of it to a folder: `npm run reliability`.
//
//   --short        a few hundred cases of each kind, for every change; the long form takes about an hour
//   --seed N       another series of cases (default 1)
//   --only NAME    one kind of input, or `stops`; repeatable
//   --cases N      number of cases in place of those of the form
//   --case N       one case, whose input is shown
//   --out FOLDER   default `runs/reliability`
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatReport } from './report.mjs';
import { runStops } from './stops.mjs';
import { runTarget } from './supervise.mjs';
import { targets } from './targets/index.mjs';

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true, default: [] },
    cases: { type: 'string' },
    case: { type: 'string' },
    out: { type: 'string', default: 'runs/reliability' },
  },
});
/** Cases of each kind in the short form. */
const SHORT = 300;
const seed = Number(values.seed);
const chosen = targets.filter(({ name }) => values.only.length === 0 || values.only.includes(name));

const results = await runAll();
const stops = await stopRuns();
const report = { seed, form: values.short ? 'short' : 'long', node: process.version, results, stops };
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(join(values.out, 'report.md'), formatReport(report));
console.log(formatReport(report));
process.exitCode = [...results, ...stops].some(({ faults }) => faults.length > 0) ? 1 : 0;

/** Stops runs at random moments; not in the short form, unless it is asked for. */
async function stopRuns() {
  if (values.only.length === 0 ? values.short : !values.only.includes('stops')) return [];
  const counts = values.short ? { SIGKILL: 6, SIGTERM: 3 } : { SIGKILL: 100, SIGTERM: 50 };
  const onProgress = ({ name, signal, stops: count, faults }) =>
    console.error(`${name}: ${count} times ${signal}, ${faults.length} faults`);
  return runStops({ seed, stops: counts, onProgress });
}

/** Runs the targets, as many at a time as there are processors. */
async function runAll() {
  const waiting = [...chosen];
  const done = [];
  const lane = async () => {
    for (let target = waiting.shift(); target; target = waiting.shift()) done.push(await runOne(target));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return chosen.map(({ name }) => done.find((result) => result.name === name));
}

async function runOne(target) {
  const first = values.case === undefined ? 0 : Number(values.case);
  const count =
    values.case === undefined
      ? Number(values.cases ?? (values.short ? (target.shortCases ?? SHORT) : target.cases))
      : 1;
  const result = await runTarget(target, { seed, first, end: first + count });
  const { cases, faults, seconds } = result;
  console.error(`${target.title}: ${cases} cases in ${seconds.toFixed(0)} s, ${faults.length} faults`);
  return result;
}
