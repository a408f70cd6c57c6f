import { RunError } from '../error.js';
import { bestStep } from '../metrics.js';
import type { OutputClaim } from '../output/output.js';
import type { WatchServer } from '../watch/server.js';
import { followRun } from './follow-run.js';
import { createKeeper } from './keep-checkpoints.js';
import type { RunState, RunTrainer } from './trainer.js';

/** Options of `conductRun`. */
export interface ConductOptions {
  /** Directory of the run, which this process has claimed. */
  readonly output: OutputClaim;
  /** Name of what is trained, for the title of the page. */
  readonly label: string;
  /** Steps between checkpoints. @default none but the one on interruption */
  readonly checkpointEvery?: number;
  /** Number of the newest checkpoints that stay beside the best one. @default 2 */
  readonly keepCheckpoints?: number;
  /** Whether the last step has a checkpoint too, for a run that may end before its last step. @default false */
  readonly keepsLast?: boolean;
  /**
   * Whether the state is that of the last whole step after an error, and gets a checkpoint where it has none.
   *
   * @default it may be in the middle of one, and gets none
   */
  readonly savesAfter?: (cause: unknown) => boolean;
  /** The checkpoint that the run goes on from; newer ones in the output are deleted. @default none */
  readonly resumedFrom?: string;
  /** Serves a page that follows the run. @default none */
  readonly watch?: WatchServer;
  /** Stops the run after the step that is under way, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Runs work for which other processes have to wait. @default at once */
  readonly patiently?: <T>(work: () => T | Promise<T>) => Promise<T>;
  /** Is called with each line that is worth telling. */
  readonly onNote?: (text: string) => void;
  /** Is called after each step with what a progress line shows of it. */
  readonly onProgress?: (step: number, fields: Record<string, string | number>) => void;
}

/** Result of a run. */
export interface RunOutcome<State> {
  readonly state: State;
  /** The step whose weights the model has: the one with the best evaluation, or the last. */
  readonly modelStep: number;
}

/** Whether a run was stopped, by the signal of this process or of another one, and did not fail. */
export function isStopped(cause: unknown, signal: AbortSignal | undefined): boolean {
  if (cause instanceof RunError) return cause.code === 'interrupted';
  return signal?.aborted === true || (cause instanceof DOMException && cause.name === 'AbortError');
}

/**
 * Trains to the end, with checkpoints, the metrics log and the page on the way, and goes back to the best weights. An
 * interruption leaves a checkpoint of the last whole step. The steps with the best evaluation so far have one too.
 *
 * @throws {RunError} `interrupted`; `output-lost` when the output was deleted, or another process writes to it; the errors
 *   of the trainer
 * @example
 * ```ts
 * const output = await claimOutput('runs/one');
 * const { modelStep } = await conductRun(trainer, { output, label: 'finetune', checkpointEvery: 100 });
 * ```
 */
export async function conductRun<State extends RunState>(
  trainer: RunTrainer<State>,
  options: ConductOptions,
): Promise<RunOutcome<State>> {
  const { output, keepsLast = false, onNote = () => {}, onProgress, patiently = atOnce } = options;
  const { metrics, totalSteps, doneSteps, history } = trainer;
  const keeper = createKeeper(trainer, { ...options, onNote });
  await keeper.begin();
  const source = {
    ...{ output: output.path, label: options.label, metrics, totalSteps, doneSteps, history },
    sections: trainer.sections?.bind(trainer),
  };
  const followed = await followRun(source, options.watch, onNote);
  const isWorth = ({ step, history: done }: RunState) =>
    keeper.isDue(step) || (done.at(-1)?.validation !== undefined && bestStep(done, metrics) === step);
  let last: State | undefined;
  /** Whether what was reported last is in no checkpoint. */
  let isUnsaved = false;
  const save = async (state: State) => {
    await keeper.save(state);
    isUnsaved = false;
  };
  try {
    const state = await trainer.run({
      signal: options.signal,
      needsState: keeper.isDue,
      async onStep(record, current, total) {
        output.lost.throwIfAborted();
        last = current;
        isUnsaved = true;
        const fields = await followed.step(record);
        onProgress?.(record.step, fields);
        if (isWorth(current) && (keepsLast || record.step < total)) await save(current);
      },
    });
    if (keepsLast && isUnsaved) await save(state);
    await keeper.prune(state);
    followed.end('finished');
    return { state, modelStep: await patiently(() => keeper.restoreBest(state)) };
  } catch (cause) {
    output.lost.throwIfAborted();
    const stopped = isStopped(cause, options.signal);
    followed.end(stopped ? 'interrupted' : 'failed');
    const whole = last;
    if (!stopped) {
      if (whole !== undefined && isUnsaved && options.savesAfter?.(cause) === true) {
        await patiently(() => save(whole));
      }
      if (keeper.saved > 0) onNote(`the last checkpoint is that of step ${keeper.saved}`);
      throw cause;
    }
    if (whole !== undefined && (isUnsaved || whole.step > keeper.saved)) await patiently(() => save(whole));
    throw interrupted(output.path, keeper.saved, cause);
  } finally {
    await followed.close();
  }
}

async function atOnce<T>(work: () => T | Promise<T>): Promise<T> {
  return work();
}

function interrupted(output: string, saved: number, cause: unknown): RunError {
  const hint = saved > 0 ? `go on with --resume from step ${saved}` : 'no step was done; start again';
  return new RunError('interrupted', `interrupted; ${output} holds whole files only`, hint, { cause });
}
