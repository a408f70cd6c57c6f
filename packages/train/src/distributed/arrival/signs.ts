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
} from 'node:fs';
import { join } from 'node:path';
import { type Arrival, findAbsent } from './absent.js';
import type { Member } from './member.js';

/** The name of the file that says that the ranks are given up. */
const VERDICT = 'verdict';

/** The facts of its rank that the thread needs. */
export interface ArrivalSettings {
  readonly rank: number;
  readonly size: number;
  readonly localSize: number | undefined;
  readonly member: Member;
  /** Folders in which ranks leave their signs of life, the most widely shared one first. */
  readonly folders: readonly string[];
  /** Milliseconds. */
  readonly limit: number;
}

/** A sign of life, as it stands in a file. */
interface Sign {
  readonly member: Member;
  readonly beat: number;
  readonly isConnected: boolean;
}

/** The signs of all ranks. What the file system refuses is left out: the launcher's own means stay. */
export function createSigns({ rank, size, localSize, member, folders, limit }: ArrivalSettings) {
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
    decide: () => decide(usable[0]),
    removeIfLast: () => removeIfLast(usable, size),
  };
}

/** Notes that the ranks are given up. Whether this one is the first to do so, or nobody can be asked. */
function decide(folder: string | undefined): boolean {
  if (folder === undefined) return true;
  try {
    closeSync(openSync(join(folder, VERDICT), 'wx'));
    return true;
  } catch {
    return !existsSync(join(folder, VERDICT));
  }
}

/** Removes the folders once all ranks are connected whose signs are there: each leaves one before it can be. */
function removeIfLast(folders: readonly string[], size: number): void {
  for (const folder of folders) {
    allowed(() => {
      const left = ranksIn(folder, size).map((from) => readFileSync(join(folder, `rank-${from}`), 'utf8'));
      const isLast = left.every((text) => (JSON.parse(text) as Sign).isConnected);
      if (isLast) rmSync(folder, { recursive: true, force: true });
    });
  }
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
