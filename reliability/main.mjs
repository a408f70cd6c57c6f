// Attacks what reads files and requests, stops runs, and makes trouble for them; writes what came of it to a folder:
// `npm run reliability`. Ctrl-C, or the end of its time, loses nothing: the same command goes on.
//
//   --short        a few hundred cases of each kind, for every change; the long form takes about an hour
//   --minutes N    ends after so many minutes, to be gone on with later
//   --seed N       another series of cases (default 1)
//   --only NAME    one kind of input, `stops` or `troubles`; repeatable
//   --cases N      number of cases in place of those of the form
//   --case N       one case, whose input is shown
//   --out FOLDER   default `runs/reliability`
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openProgress } from './progress.mjs';
import { formatReport } from './report.mjs';
import { runStops, stopItems } from './stops/run-stops.mjs';
import { runTarget } from './supervise.mjs';
import { targets } from './targets/index.mjs';
import { runTrouble, troubles } from './troubles/run-troubles.mjs';

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    minutes: { type: 'string', default: 'Infinity' },
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
const end = Date.now() + 60_000 * Number(values.minutes);
let isInterrupted = false;
process.once('SIGINT', () => {
  isInterrupted = true;
});
const isOver = () => isInterrupted || Date.now() > end;

const { short, only, cases } = values;
const progress = openProgress(values.out, { seed, short, only, cases, case: values.case });
if (progress.isResumed) console.error('going on with what is done');
const isChosen = (name) => only.length === 0 || only.includes(name);
// Runs that are stopped take long; the short form has them only if it is asked for them.
const isAsked = (name) => only.includes(name) || (only.length === 0 && !short);
const items = [
  ...(isAsked('troubles') ? troubles.map(troubleItem) : []),
  ...(isAsked('stops')
    ? stopItems(short ? { SIGKILL: 6, SIGTERM: 3 } : { SIGKILL: 100, SIGTERM: 50 })
    : []
  ).map(stopItem),
  ...targets.filter(({ name }) => isChosen(name)).map(targetItem),
];
await runAll(items);
progress.save();
const isDone = items.every(({ key }) => progress.known(key)?.isDone);
const of = (type) =>
  items.filter((item) => item.type === type).flatMap(({ key }) => progress.known(key) ?? []);
const report = {
  ...{ seed, form: short ? 'short' : 'long', node: process.version, isDone },
  ...{ results: of('target'), stops: of('stops'), troubles: of('trouble') },
};
writeFileSync(join(values.out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(join(values.out, 'report.md'), formatReport(report));
console.log(formatReport(report));
if (isDone) progress.remove();
else console.error('not done yet: the same command goes on');
const hasFaults = items.some(({ key }) => progress.known(key)?.faults.length > 0);
process.exitCode = hasFaults ? 1 : isInterrupted ? 130 : 0;

/** Runs the items in turn, as many at a time as there are processors, so that a short time is shared by all of them. */
async function runAll(all) {
  const waiting = all.filter(({ key }) => !progress.known(key)?.isDone);
  const lane = async () => {
    for (let item = waiting.shift(); item && !isOver(); item = waiting.shift()) {
      const result = await item.run(progress.known(item.key));
      progress.note(item.key, result);
      console.error(`${item.key}: ${item.describe(result)}, ${result.faults.length} faults`);
      if (!result.isDone) waiting.push(item);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
}

function targetItem(target) {
  const key = target.title;
  const usual = short ? (target.shortCases ?? SHORT) : target.cases;
  const first = Number(values.case ?? 0);
  const count = values.case === undefined ? Number(cases ?? usual) : 1;
  const onResult = (result) => progress.note(key, result);
  return {
    ...{ key, type: 'target' },
    run: (known) => runTarget(target, { seed, first, end: first + count, known, isOver, onResult }),
    describe: ({ cases: done, seconds }) => `${done} cases in ${seconds.toFixed(0)} s`,
  };
}

function stopItem(item) {
  const { key } = item;
  return {
    ...{ key, type: 'stops' },
    run: (known) => runStops(item, { seed, known }),
    describe: ({ stops, runs, missing }) => missing ?? `${stops} stops in ${runs} runs`,
  };
}

function troubleItem(trouble) {
  return {
    ...{ key: `${trouble.name}: ${trouble.run}`, type: 'trouble' },
    run: () => runTrouble(trouble),
    describe: ({ missing, seconds }) => missing ?? `${seconds.toFixed(0)} s`,
  };
}
