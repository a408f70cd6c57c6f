import { existsSync, readdirSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkReplaceable, removeLeftovers } from '@gram/base';
import { ADAPTER_FILES, MODEL_FILES } from '@gram/model';
import { latestCheckpoint } from '../checkpoints/checkpoints.js';
import { RunError } from '../error.js';
import { refuseUsed, takeLock } from './lock.js';

const LOCK = 'run.lock';

/** Files that a run writes before its first checkpoint. A run that was killed until then begins anew. */
const BEGINNINGS = [LOCK, 'metrics.jsonl', 'samples.jsonl', 'tensorboard', /\.gram-(tmp|old)$/];

/** The output directory of a run while this process is the only one that writes to it. */
export interface OutputClaim {
  readonly path: string;
  /** Aborted, with a `RunError` as its reason, when the directory was deleted or another process writes to it. */
  readonly lost: AbortSignal;
  /** Looks at once whether the directory is still there and this process's. @throws {RunError} `output-lost` */
  check(): Promise<void>;
  /** Lets others write to it. */
  release(): Promise<void>;
}

/**
 * The checkpoint that a run goes on from, or undefined for a run that begins.
 *
 * @param output directory of the run
 * @param resume `auto` for the newest checkpoint of the directory, or a checkpoint. @default the run begins
 * @throws {RunError} `in-use` when a process of this machine writes to the directory; `exists` when something is in it and
 *   the run begins; `no-checkpoint` when something is in it but no checkpoint, and `resume` is `auto`
 */
export async function resumePoint(output: string, resume?: string): Promise<string | undefined> {
  await refuseUsed(join(output, LOCK), output);
  const checkpoint = await checkpointFor(output, resume);
  if (checkpoint !== undefined || isVacant(output)) return checkpoint;
  throw resume === undefined
    ? new RunError('exists', `${output} is not empty`, 'go on with --resume, or choose another output')
    : new RunError('no-checkpoint', `${output} holds no checkpoint`, 'start anew with another output');
}

/** The checkpoint that `resume` names: of `auto` the newest one of the directory, or undefined. */
export async function checkpointFor(output: string, resume?: string): Promise<string | undefined> {
  return resume === 'auto' ? latestCheckpoint(output) : resume;
}

/**
 * Whether a run may begin in a directory: it is missing or empty, or holds only what a run writes before its first
 * checkpoint.
 *
 * @throws {RunError} `exists` when there is a file in its place
 */
export function isVacant(output: string): boolean {
  if (!existsSync(output)) return true;
  try {
    return readdirSync(output).every((name) =>
      BEGINNINGS.some((own) => (typeof own === 'string' ? own === name : own.test(name))),
    );
  } catch (cause) {
    throw new RunError('exists', `${output} is not a folder`, 'choose another output', { cause });
  }
}

/**
 * Makes the output directory, takes its lock, removes what a kill left half-written, and checks that the results can be
 * written, so that a run that could not write them fails before it starts.
 *
 * @throws {RunError} `unwritable`; `in-use`, naming the process and the host that write to the directory; the error of
 *   `checkReplaceable` when `model` or `adapter` holds other files
 */
export async function claimOutput(output: string): Promise<OutputClaim> {
  try {
    await mkdir(output, { recursive: true });
    await access(output, constants.W_OK);
  } catch (cause) {
    const hint = 'choose an output in a folder that you may write to';
    throw new RunError('unwritable', `cannot write to ${output}`, hint, { cause });
  }
  await checkReplaceable(join(output, 'model'), MODEL_FILES);
  await checkReplaceable(join(output, 'adapter'), ADAPTER_FILES);
  const lock = await takeLock(join(output, LOCK), output);
  await removeLeftovers(output);
  return { path: output, ...lock };
}
