import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { elementAt } from '../checked.js';
import { TrainError } from '../error.js';
import { type Member, nameOfRank } from './arrival/member.js';
import { watchArrival } from './arrival/watch-arrival.js';
import { type Communicator, type Place, singleProcess } from './communicator.js';
import { detectJob, detectRank } from './detect-rank.js';
import { createGpus, type GpuNote, type Gpus } from './gpus/open-gpus.js';
import { type Mpi, openMpi } from './mpi.js';
import type { Lost } from './verdict.js';
import { type Address, type Progress, type Watchdog, watchAll, watchFirst } from './watchdog.js';

/** Options of `connect`. */
export interface ConnectOptions {
  /**
   * Seconds without a sign of life, or of waiting for a rank in an operation, after which a rank counts as stalled. Must
   * be longer than a graph takes to compile, during which a process is silent. @default 60
   */
  readonly stallSeconds?: number;
  /**
   * A folder of a file system that all machines of the run share. Until the ranks are connected they leave signs of life
   * there, in a folder of its own that is removed at the end, so that one that hangs is named on every machine. Not used
   * when all ranks are on one machine. @default ranks see only those of their own machine until they are connected
   */
  readonly sharedFolder?: string;
  /**
   * Is called when a rank is lost or aborts, three seconds after the launcher was asked to end all processes: a thread that
   * waits for a rank that is gone keeps a process from an orderly end, so end it by force. @default nothing is done
   */
  readonly onStuck?: () => void;
}

/** Room for what a rank says of itself, and for the address of rank 0. */
const noteSize = 1024;
/** How long the others have to read why they end, and MPI to end this process. */
const GRACE_MILLISECONDS = { notice: 200, abort: 3000 };

/** Settings that `join` needs once the options were checked. */
interface JoinOptions {
  readonly limit: number;
  readonly onStuck: (() => void) | undefined;
}

/**
 * Joins the processes that mpirun or srun started. A process that was started without a launcher, or alone, gets
 * `singleProcess` at once, and no library is loaded. The environment and the signals of the process are left alone: set
 * `CUDA_VISIBLE_DEVICES` to `localGpu(detectRank(), process.env.CUDA_VISIBLE_DEVICES)` before anything computes, so that the
 * processes of a machine take turns over its GPUs.
 *
 * A rank that dies or stalls ends all others: one line on standard error names it with its machine and process, and every
 * process ends with a failure. Death is noticed at once, a stall after `stallSeconds`. A rank that does not come to be
 * connected, or hangs on the way, is named within the same bound; since MPI does not return from its start then, a thread
 * of each process ends that process by SIGKILL.
 *
 * @example
 * ```ts
 * const communicator = await connect();
 * await train({ ...run, communicator });
 * await communicator.close();
 * ```
 *
 * @throws TrainError `mpi` where the library is missing or does not fit the launcher, `bad-config` for a broken environment
 */
export async function connect({
  stallSeconds = 60,
  sharedFolder,
  onStuck,
}: ConnectOptions = {}): Promise<Communicator> {
  if (!(stallSeconds >= 1)) {
    throw new TrainError('bad-config', `stallSeconds is ${stallSeconds}`, 'give a number of at least 1');
  }
  const place = detectRank();
  if (place.size === 1) return singleProcess;
  const limit = stallSeconds * 1000;
  const arrival = await watchArrival({ ...place, ...detectJob() }, { limit, sharedFolder });
  try {
    return await join(place, { limit, onStuck });
  } finally {
    await arrival.end();
  }
}

/** Joins the other ranks and begins to watch them. */
async function join(place: Place, { limit, onStuck }: JoinOptions): Promise<Communicator> {
  const mpi = await openMpi(place.size);
  const { rank } = mpi;
  const members = (await exchange(mpi, { host: hostname(), process: process.pid })) as Member[];
  const gpus = createGpus(mpi, async (note) => (await exchange(mpi, note)) as GpuNote[]);
  const state: State = { entered: 0, waitingSince: undefined, patient: 0 };
  // Until there is a watchdog to tell the others.
  let end = () => {};
  const options = {
    limit,
    progress: () => progressOf(state),
    onLost: (lost: Lost | undefined) => {
      if (lost !== undefined)
        say(`${nameOfRank(lost.rank, elementAt(members, lost.rank))} ${lost.why}; all ranks end`);
      if (lost !== undefined) end();
      void endAll({ mpi, gpus, onStuck });
    },
  };
  const shared = members.every(({ host }) => host === elementAt(members, 0).host);
  // Before anybody knows the address: a connection that nobody takes is lost.
  const first = rank === 0 ? await watchAll(shared, place.size, options) : undefined;
  const address = (await exchange(mpi, first?.address ?? {}))[0] as Address;
  const watchdog = first?.watchdog ?? (await watchFirst(address, rank, options));
  end = () => watchdog.end();
  return communicator(mpi, place, { gpus, watchdog, state, members, onStuck });
}

/** Settings with which a communicator is watched. */
interface Watched {
  readonly gpus: Gpus;
  readonly watchdog: Watchdog;
  readonly state: State;
  readonly members: readonly Member[];
  readonly onStuck: (() => void) | undefined;
}

interface State {
  entered: number;
  waitingSince: number | undefined;
  patient: number;
}

function communicator(
  mpi: Mpi,
  { localRank }: Place,
  { gpus, watchdog, state, members, onStuck }: Watched,
): Communicator {
  const { rank, size } = mpi;
  /** Counts an operation and how long it waits; a failed one ends in the watchdog's verdict if a rank is lost. */
  async function watched<T>(operation: Promise<T>): Promise<T> {
    state.entered++;
    state.waitingSince ??= performance.now();
    const mine = state.entered;
    try {
      return await operation;
    } finally {
      // Operations run in turn: a later one waits from now on.
      state.waitingSince = mine === state.entered ? undefined : performance.now();
    }
  }
  return {
    rank,
    size,
    localRank,
    allReduceSum: (values) => watched(mpi.allReduceSum(values)),
    reduceScatterSum: (values, counts, into) => watched(mpi.reduceScatterSum(values, counts, into)),
    allGather: (values, counts) => watched(mpi.allGather(values, counts)),
    broadcast: (values, root = 0) => watched(mpi.broadcast(values, root)),
    async gpus(device) {
      const { run, ...exchange } = await watched(gpus.open(device));
      return { ...exchange, ...(run && { run: (calls) => watched(run(calls)) }) };
    },
    gradientTraffic: () => gpus.traffic,
    barrier: () => watched(mpi.barrier()),
    async patiently(work) {
      state.patient++;
      try {
        return await work();
      } finally {
        state.patient--;
      }
    },
    async close() {
      await watched(mpi.barrier());
      watchdog.close();
      await gpus.close();
      await mpi.finalize();
    },
    async abort(reason) {
      say(`${nameOfRank(rank, elementAt(members, rank))}: ${reason}`);
      watchdog.end();
      return endAll({ mpi, gpus, onStuck });
    },
  };
}

function progressOf({ entered, waitingSince, patient }: State): Progress {
  const waited = waitingSince === undefined ? undefined : performance.now() - waitingSince;
  return { entered, waited, patient: patient > 0 };
}

/** Gives every rank what each of them has to say. */
async function exchange(mpi: Mpi, own: object): Promise<unknown[]> {
  const all = Buffer.alloc(noteSize * mpi.size);
  const note = Buffer.from(JSON.stringify(own));
  if (note.length > noteSize) throw new RangeError(`a note of ${note.length} bytes`);
  note.copy(all, noteSize * mpi.rank);
  await mpi.allGather(
    all,
    Array.from({ length: mpi.size }, () => noteSize),
  );
  return Array.from({ length: mpi.size }, (_, i) => {
    const text = all.subarray(noteSize * i, noteSize * (i + 1)).toString();
    return JSON.parse(text.slice(0, text.indexOf('\0') === -1 ? undefined : text.indexOf('\0')));
  });
}

/** At once, past all buffers: the process may be ended any moment. */
function say(text: string): void {
  try {
    writeSync(2, `gram: ${text}\n`);
  } catch {
    // Nobody listens any more.
  }
}

/** Ends this and all other processes, whatever their threads do. */
async function endAll({
  mpi,
  gpus,
  onStuck,
}: Pick<Watched, 'gpus' | 'onStuck'> & { readonly mpi: Mpi }): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, GRACE_MILLISECONDS.notice));
  if (onStuck !== undefined) setTimeout(onStuck, GRACE_MILLISECONDS.abort);
  gpus.abort();
  mpi.abort().catch(() => {});
  return new Promise<never>(() => {});
}
