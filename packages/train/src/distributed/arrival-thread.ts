/**
 * The thread that watches the ranks until they are connected, see `watchArrival`. It is a module of its own in the built
 * package and calls nothing of MPI: only files, standard error and a signal to its own process.
 */
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { type Arrival, findAbsent } from './absent.js';
import type { Member } from './verdict.js';

/** What the thread has to know of its rank. */
export interface ArrivalSettings {
  readonly rank: number;
  readonly size: number;
  readonly localSize: number | undefined;
  readonly member: Member;
  /** Where signs are left, the one that most ranks see first. */
  readonly folders: readonly string[];
  /** Milliseconds. */
  readonly limit: number;
}

/** How long the others have to read why they end. */
const NOTICE_MILLISECONDS = 200;
const VERDICT = 'verdict';

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

/** A sign of life, as it stands in a file. */
interface Sign {
  readonly member: Member;
  readonly beat: number;
  readonly isConnected: boolean;
}

/** The signs of all ranks. What the file system refuses is left out: the launcher's own means stay. */
function createSigns({ rank, size, localSize, member, folders, limit }: ArrivalSettings) {
  const usable = folders.filter((folder) => allowed(() => claim(folder)));
  const arrivals: Arrival[] = Array.from({ length: size }, () => ({ seen: undefined, isConnected: false }));
  const texts = new Map<string, string>();
  let start = performance.now();
  let beat = 0;
  const take = (from: number, text: string, now: number) => {
    const { member: who, isConnected } = JSON.parse(text) as Sign;
    const first = arrivals[from]?.seen?.first ?? now;
    arrivals[from] = { seen: { first, last: now, member: who }, isConnected };
  };
  return {
    leave(state?: 'connected') {
      const sign: Sign = { member, beat: ++beat, isConnected: state === 'connected' };
      for (const folder of usable) {
        // A name that is renamed is seen at once on other machines, and never half-written.
        const path = join(folder, `rank-${rank}`);
        allowed(() => writeFileSync(`${path}.tmp`, JSON.stringify(sign)));
        allowed(() => renameSync(`${path}.tmp`, path));
      }
    },
    read(now: number) {
      for (const [folder, from] of usable.flatMap((folder) =>
        ranksIn(folder, size).map((r) => [folder, r] as const),
      )) {
        const path = join(folder, `rank-${from}`);
        allowed(() => {
          const text = readFileSync(path, 'utf8');
          if (texts.get(path) === text) return;
          take(from, text, now);
          texts.set(path, text);
        });
      }
    },
    forgive(now: number) {
      start = now;
      for (const [from, arrival] of arrivals.entries()) {
        if (arrival.seen !== undefined) arrivals[from] = { ...arrival, seen: { ...arrival.seen, last: now } };
      }
    },
    verdict: (now: number) => findAbsent({ arrivals, start, localSize, host: member.host }, now, limit),
    isDecided: () => usable.some((folder) => existsSync(join(folder, VERDICT))),
    /** Notes that the ranks are given up. Whether this one is the first to do so, or nobody can be asked. */
    decide() {
      const [folder] = usable;
      if (folder === undefined) return true;
      try {
        closeSync(openSync(join(folder, VERDICT), 'wx'));
        return true;
      } catch {
        return !existsSync(join(folder, VERDICT));
      }
    },
    /** Removes the folders once all ranks are connected whose signs are there: each leaves one before it can be. */
    removeIfLast() {
      for (const folder of usable) {
        allowed(() => {
          const left = ranksIn(folder, size).map((from) =>
            readFileSync(join(folder, `rank-${from}`), 'utf8'),
          );
          const isLast = left.every((text) => (JSON.parse(text) as Sign).isConnected);
          if (isLast) rmSync(folder, { recursive: true, force: true });
        });
      }
    },
  };
}

/** Makes a folder that only this user can write to; fails where there is one of somebody else. */
function claim(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error(`${folder} is not ours`);
}

function ranksIn(folder: string, size: number): number[] {
  const ranks = readdirSync(folder).map((name) => Number(/^rank-(\d{1,7})$/.exec(name)?.[1] ?? Number.NaN));
  return ranks.filter((rank) => rank < size);
}

/** Whether the file system allowed something. */
function allowed(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

/** At once, past all buffers: the process is about to be ended. */
function say(text: string): void {
  allowed(() => writeSync(2, text));
}
