import { formatPercent } from '@gram/base';
import { type DeviceName, fastestDevice } from '@gram/engine';
import { formatBytes } from '@gram/report';
import { isStopped } from '@gram/run';
import { type Communicator, connect, detectRank, localGpu } from '@gram/train';
import type { Io } from '../command.js';
import { CliError } from '../error.js';
import { reportedError } from './run-flags.js';

/** Options of `asOneOfSeveral`. */
export interface ProcessOptions {
  /** A folder that all machines share, for signs of life before the processes are connected. */
  readonly sharedFolder: string | undefined;
  /** Whether an error is one that all processes have ended with. @default none is */
  readonly isShared?: (cause: unknown) => boolean;
}

/** Does the work of a run as one of the processes that a launcher started, or alone. An error of one ends all. */
export async function asOneOfSeveral(
  { sharedFolder, isShared = () => false }: ProcessOptions,
  { signal, stderr }: Io,
  work: (communicator: Communicator) => Promise<void>,
): Promise<void> {
  const communicator = await joinProcesses(sharedFolder);
  try {
    await work(communicator);
    if (communicator.rank === 0) for (const line of describeTraffic(communicator)) stderr.write(`${line}\n`);
  } catch (cause) {
    // The others wait for this one, unless all were stopped together or failed together: then they leave together.
    const leaveTogether = isShared(cause) || (isStopped(cause, signal) && !(cause instanceof CliError));
    if (communicator.size > 1 && !leaveTogether) {
      await communicator.abort(cause instanceof Error ? cause.message : String(cause));
    }
    await communicator.close();
    const reported = reportedError(cause);
    if (reported instanceof CliError || communicator.rank === 0) throw reported;
    throw new CliError('interrupted', 'ended with the other processes', 'go on with --resume', { cause });
  }
  await communicator.close();
}

/** Joins the processes that a launcher started, each with a GPU of its machine. */
async function joinProcesses(sharedFolder: string | undefined): Promise<Communicator> {
  const place = detectRank();
  if (place.size > 1) {
    // Before a library looks for GPUs: it sees the one of this process as the first and only one.
    process.env.CUDA_VISIBLE_DEVICES = localGpu(place, process.env.CUDA_VISIBLE_DEVICES);
  }
  return connect({ sharedFolder, onStuck: () => process.kill(process.pid, 'SIGKILL') });
}

/**
 * Says how many processes there are and, where they compute on GPUs, the way of their gradients. All processes call it together.
 *
 * @returns a line, or none for a process that is alone
 */
export async function describeProcesses(
  communicator: Communicator,
  device: DeviceName | 'auto',
): Promise<string[]> {
  if (communicator.size === 1) return [];
  const computesOn = device === 'auto' ? await fastestDevice() : device;
  const exchange = await communicator.gpus?.(computesOn);
  const way = computesOn.startsWith('cuda') ? `, gradients are summed ${exchange?.description}` : '';
  return [`processes: ${communicator.size}${way}`];
}

/** Says how many bytes of gradients the GPUs of other processes have sent to this one, in a line, or none where there were none. */
function describeTraffic({ gradientTraffic }: Communicator): string[] {
  const { received, overlapped } = gradientTraffic?.() ?? { received: 0, overlapped: 0 };
  if (received === 0) return [];
  const share = formatPercent(overlapped / received);
  return [`gradients: ${formatBytes(received)} from other GPUs, ${share} of it while backward passes ran`];
}

/** Does what comes before the first step, in which the processes do not ask each other whether one was stopped. */
export async function beforeTheFirstStep<T>(
  { size }: Communicator,
  { signal }: Io,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (size === 1 || !isStopped(cause, signal)) throw cause;
    throw new CliError('interrupted', 'interrupted before the first step', 'run it again', { cause });
  }
}
