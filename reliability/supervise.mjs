// Runs the cases of a target in processes of their own, restarts what ends, and counts.
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HANG_MS = 5000;
/** A process has this long to load what it needs before its first case. */
const START_MS = 60_000;
/** Faults after which a target is given up: they are the same one. */
const MAX_FAULTS = 25;
const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));

/**
 * Runs cases `first` to `end` of a target, or until `isOver` says that the time is up.
 *
 * @param known what an earlier call came to; it goes on from there
 * @returns counts of what came of the cases, codes of the errors, and each fault with the number of its case
 */
export async function runTarget(target, { seed, first, end, known, isOver, onResult }) {
  const folder = mkdtempSync(join(tmpdir(), `gram-reliability-${target.name}-`));
  const result = known ?? emptyResult(target, first);
  const earlier = result.seconds;
  const started = performance.now();
  const update = () => {
    const ended = result.faults.filter(({ kind }) => kind !== 'unexplained').length;
    result.cases = result.same + result.other + result.refused + ended;
    result.seconds = earlier + (performance.now() - started) / 1000;
    result.isDone = result.next >= end || result.faults.length >= MAX_FAULTS;
    onResult(result);
  };
  try {
    while (result.next < end && result.faults.length < MAX_FAULTS && !isOver()) {
      const ended = await runWorker(target, { seed, end, folder, result, isOver, onReport: update });
      if (ended === undefined) continue;
      result.faults.push(ended);
      result.next = ended.index + 1;
    }
    update();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return result;
}

function emptyResult({ name, title }, next) {
  const counts = { cases: 0, same: 0, other: 0, refused: 0, codes: {}, faults: [], seconds: 0 };
  return { name, title, next, ...counts };
}

/** Runs one process; resolves to the fault that ended it, or to undefined when it came to its end or the time was up. */
function runWorker(target, { seed, end, folder, result, isOver, onReport }) {
  const first = result.next;
  const place = mkdtempSync(join(folder, 'process-'));
  mkdirSync(join(place, 'work'));
  const marker = join(place, 'case');
  writeFileSync(marker, '');
  const child = fork(WORKER, [target.name, join(place, 'work'), seed, first, end, marker].map(String), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--max-old-space-size=1024'],
    // The libraries must not look for a token or a cache of this machine.
    env: { ...process.env, HF_HUB_CACHE: join(place, 'hub'), HF_ENDPOINT: 'http://127.0.0.1:9' },
  });
  let errors = '';
  child.stderr.on('data', (data) => {
    errors = (errors + data).slice(-3000);
  });
  child.on('message', (message) => {
    for (const [key, count] of Object.entries(message.counts)) result[key] += count;
    for (const [code, count] of Object.entries(message.codes))
      result.codes[code] = (result.codes[code] ?? 0) + count;
    result.faults.push(...message.faults);
    result.next = message.next;
    onReport();
    if (isOver()) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    let hung = false;
    let seen = { text: '', at: Date.now() };
    const watch = setInterval(() => {
      const text = `${readFileSync(marker, 'utf8')} ${statSync(marker).mtimeMs}`;
      if (text !== seen.text) seen = { text, at: Date.now() };
      const limit = readFileSync(marker, 'utf8') === '' ? START_MS : HANG_MS;
      if (Date.now() - seen.at < limit) return;
      hung = true;
      child.kill('SIGKILL');
    }, 250);
    child.once('close', (code, signal) => {
      clearInterval(watch);
      const started = readFileSync(marker, 'utf8');
      const index = Number(started || first);
      rmSync(place, { recursive: true, force: true });
      if (code === 0 || (isOver() && !hung)) return resolve(undefined);
      if (started === '') return reject(new Error(`the process of ${target.name} did not start: ${errors}`));
      const kind = hung ? 'hang' : code === 86 ? 'memory' : 'crash';
      resolve({ index, kind, detail: `${signal ?? `status ${code}`}\n${errors}`.slice(0, 2000) });
    });
  });
}
