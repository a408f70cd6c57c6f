/**
 * The thread that watches the ranks until they are connected, see `watchArrival`. It is a module of its own in the built
 * package and calls nothing of MPI: only files, standard error and a signal to its own process.
 */
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { type ArrivalSettings, createSigns } from './signs.js';

/** Time that the others have to read why they end. */
const NOTICE_MILLISECONDS = 200;

// `watchArrival` starts this module as a thread with these.
if (parentPort !== null) watch(workerData as ArrivalSettings, parentPort);

function watch(settings: ArrivalSettings, port: NonNullable<typeof parentPort>): void {
  const { limit, size } = settings;
  // Every rank reads the signs of all: many ranks look less often.
  const interval = Math.min(limit / 10, Math.max(1000, 10 * size));
  const signs = createSigns(settings);
  let last = performance.now();
  signs.leave();
  port.postMessage('watching');
  const timer = setInterval(() => {
    const now = performance.now();
    const isLate = now - last > limit / 4 + interval;
    last = now;
    signs.leave();
    signs.read(now);
    // This process slept: what the others did in that time is still to be read.
    if (isLate) signs.forgive(now);
    const verdict = signs.isDecided() ? 'the verdict of another rank' : signs.verdict(now);
    if (verdict === undefined) return;
    clearInterval(timer);
    if (signs.decide()) say(`gram: ${verdict}; all ranks end\n`);
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), NOTICE_MILLISECONDS);
  }, interval);
  port.once('message', () => {
    clearInterval(timer);
    signs.leave('connected');
    signs.removeIfLast();
    port.close();
  });
}

/** At once, past all buffers: the process is about to be ended. */
function say(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody listens any more.
  }
}
