import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ReportError, writeFailed } from '../error.js';
import { createAppender } from './append-file.js';
import { scalarsEvent, startEvent, tfRecord, versionEvent } from './event.js';

/** Writes what TensorBoard shows. */
export interface EventWriter {
  /** The file that is written. */
  readonly path: string;
  /**
   * Appends numbers of one step; they are in the file, and seen by a running TensorBoard, when the promise resolves.
   *
   * @param step a whole number, not negative
   * @param wallTime seconds since 1970
   * @param values by tag, as `train/loss`; stored with 32 bits, so what is too large becomes infinite
   * @throws {ReportError} `bad-metric` for such a step or time, `write-failed`
   */
  scalars(step: number, wallTime: number, values: Readonly<Record<string, number>>): Promise<void>;
  /** Makes the file last and closes it. Calls after the first have no effect. */
  close(): Promise<void>;
}

/**
 * Begins a new event file of TensorBoard, `events.out.tfevents.TIME.HOST.PID`, in a directory, which is made where needed.
 * A resumed run calls it again: the files of a directory are one run, and of steps after `doneSteps` TensorBoard shows
 * the newest file only.
 *
 * @param doneSteps steps that an earlier part of the run has done and keeps; default 0
 * @throws {ReportError} `write-failed`
 */
export async function createEventWriter(directory: string, doneSteps = 0): Promise<EventWriter> {
  const now = Date.now() / 1000;
  const { path, handle } = await openNew(directory, Math.floor(now));
  const file = createAppender(path, handle, 0);
  await file.append(tfRecord(versionEvent(now)));
  if (doneSteps > 0) await file.append(tfRecord(startEvent(doneSteps + 1, now)));
  return {
    path,
    async scalars(step, wallTime, values) {
      if (!Number.isSafeInteger(step) || step < 0)
        throw badMetric(`the step ${step}`, 'count steps from 0 or 1');
      if (!Number.isFinite(wallTime)) throw badMetric(`the time ${wallTime}`, 'give Date.now() / 1000');
      await file.append(tfRecord(scalarsEvent(step, wallTime, values)));
    },
    close: () => file.close(),
  };
}

/** TensorBoard reads the files in the order of their names; a name that is taken is that of an earlier part. */
async function openNew(directory: string, time: number): Promise<{ path: string; handle: FileHandle }> {
  // Anything that could end up in a path or break the name into other parts.
  const host = hostname().replace(/[^\w.-]/g, '_');
  try {
    await mkdir(directory, { recursive: true });
    for (let from = time; ; from++) {
      const path = join(
        directory,
        `events.out.tfevents.${String(from).padStart(10, '0')}.${host}.${process.pid}`,
      );
      try {
        return { path, handle: await open(path, 'wx') };
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      }
    }
  } catch (cause) {
    throw writeFailed(directory, cause);
  }
}

function badMetric(what: string, hint: string): ReportError {
  return new ReportError('bad-metric', `${what} cannot be written to an event file`, hint);
}
