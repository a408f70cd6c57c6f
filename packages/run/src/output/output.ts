import { existsSync, readdirSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkReplaceable } from '@gram/base';
import { ADAPTER_FILES, MODEL_FILES } from '@gram/model';
import { latestCheckpoint } from '../checkpoints/checkpoints.js';
import { RunError } from '../error.js';

/**
 * The checkpoint that a run goes on from, or undefined for a run that begins.
 *
 * @param output directory of the run
 * @param resume `auto` for the newest checkpoint of the directory, or a checkpoint. @default the run begins
 * @throws {RunError} `exists` when the directory is not empty and the run begins; `no-checkpoint` when it is not empty, has
 *   no checkpoint, and `resume` is `auto`
 */
export async function resumePoint(output: string, resume?: string): Promise<string | undefined> {
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
 * Whether a run may begin in a directory: it is missing or empty.
 *
 * @throws {RunError} `exists` when there is a file in its place
 */
export function isVacant(output: string): boolean {
  if (!existsSync(output)) return true;
  try {
    return readdirSync(output).length === 0;
  } catch (cause) {
    throw new RunError('exists', `${output} is not a folder`, 'choose another output', { cause });
  }
}

/**
 * Makes the output directory and checks that the results can be written to it, so that a run that could not write them
 * fails before it starts.
 *
 * @throws {RunError} `unwritable`; the error of `checkReplaceable` when `model` or `adapter` holds other files
 */
export async function claimOutput(output: string): Promise<void> {
  try {
    await mkdir(output, { recursive: true });
    await access(output, constants.W_OK);
  } catch (cause) {
    const hint = 'choose an output in a folder that you may write to';
    throw new RunError('unwritable', `cannot write to ${output}`, hint, { cause });
  }
  await checkReplaceable(join(output, 'model'), MODEL_FILES);
  await checkReplaceable(join(output, 'adapter'), ADAPTER_FILES);
}
