import { once } from 'node:events';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { processTag, sha256 } from '@gram/base';
import type { ArrivalSettings } from './signs.js';

/** A rank that is about to be connected. */
export interface ArrivingRank {
  readonly rank: number;
  readonly size: number;
  /** The job's name, the same on all machines; undefined where the launcher gives none. */
  readonly job: string | undefined;
  /** Number of ranks on this machine; undefined where it is not known. */
  readonly localSize: number | undefined;
}

/** Options of `watchArrival`. */
export interface ArrivalOptions {
  /** Time without a sign of a rank after which it is given up, in milliseconds. */
  readonly limit: number;
  /** A folder that all machines share. */
  readonly sharedFolder: string | undefined;
}

/**
 * Watches the ranks from here on until they are connected. MPI's start blocks this thread until all ranks have come, and may
 * only be called from it, so another thread writes signs of life into a folder and looks for those of the others. Once a rank
 * is given up it says so on standard error and ends this process by SIGKILL; the launcher ends the others, which otherwise do
 * so by themselves.
 *
 * Every launcher has its own folder for a job on a machine, or else the system's temporary folder is used. No clocks of two
 * machines are compared: only that a file changes counts.
 */
export async function watchArrival(
  { rank, size, localSize, job }: ArrivingRank,
  { limit, sharedFolder }: ArrivalOptions,
): Promise<{ end(): Promise<void> }> {
  const settings: ArrivalSettings = {
    rank,
    size,
    localSize,
    member: { host: hostname(), process: process.pid },
    folders: foldersOf({ size, localSize, job }, sharedFolder),
    limit,
  };
  const thread = new Worker(new URL('./arrival-thread.js', import.meta.url), {
    workerData: settings,
    execArgv: [],
  });
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  // Its first sign is given: from now on this thread may be blocked.
  await once(thread, 'message');
  return {
    async end() {
      thread.postMessage('end');
      await ended;
    },
  };
}

/** The folder that all machines see first: whoever may write a file there first speaks for all. */
function foldersOf(
  { size, localSize, job }: Omit<ArrivingRank, 'rank'>,
  sharedFolder: string | undefined,
): string[] {
  // Processes that the launcher started itself have it as their parent, on one machine.
  const key = sha256(job ?? processTag(process.ppid)).slice(0, 16);
  const own = process.env.PMIX_SERVER_TMPDIR ?? tmpdir();
  const local = join(own, `gram-ranks-${userInfo().uid}-${key}`);
  const isShared = sharedFolder !== undefined && job !== undefined && localSize !== size;
  return isShared ? [join(sharedFolder, `ranks-${key}.gram-tmp`), local] : [local];
}
