import { TrainError } from '../error.js';
import type { ArrivingRank } from './arrival/watch-arrival.js';
import type { Place } from './communicator.js';

/** A launcher, and the variables in which it tells a process where it stands. */
interface Launcher {
  readonly name: string;
  readonly rank: string;
  readonly size: string;
  /** Missing from old versions: every rank then counts as the first of its machine. */
  readonly localRank: string;
  /** Number of processes on the machine; undefined where the launcher does not tell it. */
  readonly localSize?: string;
  /** Variables that together name the job, the same on all machines; empty where there are none. */
  readonly job: readonly string[];
}

const launchers: readonly Launcher[] = [
  {
    name: 'mpirun of Open MPI',
    rank: 'OMPI_COMM_WORLD_RANK',
    size: 'OMPI_COMM_WORLD_SIZE',
    localRank: 'OMPI_COMM_WORLD_LOCAL_RANK',
    localSize: 'OMPI_COMM_WORLD_LOCAL_SIZE',
    job: ['PMIX_NAMESPACE'],
  },
  {
    name: 'mpirun of MPICH',
    rank: 'PMI_RANK',
    size: 'PMI_SIZE',
    localRank: 'MPI_LOCALRANKID',
    localSize: 'MPI_LOCALNRANKS',
    job: [],
  },
  // Not SLURM_NTASKS: a batch script has it too, and a process started there without srun is alone.
  {
    name: 'srun',
    rank: 'SLURM_PROCID',
    size: 'SLURM_STEP_NUM_TASKS',
    localRank: 'SLURM_LOCALID',
    job: ['SLURM_JOB_ID', 'SLURM_STEP_ID'],
  },
];

/**
 * Finds the place of a process in the environment that its launcher left: mpirun of Open MPI or MPICH, or srun. One that
 * was started without any is rank 0 of 1.
 *
 * @param environment @default process.env
 * @throws TrainError `bad-config` for variables that are no numbers or do not fit together
 */
export function detectRank(environment: Environment = process.env): Place {
  const launcher = launcherOf(environment);
  if (launcher === undefined) return { rank: 0, size: 1, localRank: 0 };
  const number = (variable: string) => {
    const text = environment[variable] ?? '0';
    if (/^\d{1,7}$/.test(text)) return Number(text);
    throw broken(launcher, `${variable} is '${text}'`);
  };
  const place = {
    rank: number(launcher.rank),
    size: number(launcher.size),
    localRank: number(launcher.localRank),
  };
  if (place.rank >= place.size) throw broken(launcher, `rank ${place.rank} of ${place.size}`);
  return place;
}

/** Finds what the launcher says of the job, in the same environment as `detectRank`. */
export function detectJob(environment: Environment = process.env): Pick<ArrivingRank, 'job' | 'localSize'> {
  const { localSize, job = [] } = launcherOf(environment) ?? {};
  const names = job.map((variable) => environment[variable]);
  const size = Number(localSize === undefined ? undefined : environment[localSize]);
  return {
    job: names.length === 0 || names.includes(undefined) ? undefined : names.join('.'),
    localSize: Number.isInteger(size) ? size : undefined,
  };
}

type Environment = Readonly<Record<string, string | undefined>>;

const launcherOf = (environment: Environment) =>
  launchers.find(({ rank, size }) => environment[rank] !== undefined && environment[size] !== undefined);

function broken({ name, rank, size }: Launcher, what: string): TrainError {
  return new TrainError(
    'bad-config',
    `the environment says that ${name} started this process, but also: ${what}`,
    `start it with a launcher, or unset ${rank} and ${size} to train in one process`,
  );
}
