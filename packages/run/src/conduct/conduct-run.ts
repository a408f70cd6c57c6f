import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { bestRecord } from '../checkpoints/best.js';
import { checkpointPath, pruneSnapshots } from '../checkpoints/checkpoints.js';
import { RunError } from '../error.js';
import type { StepRecord } from '../record.js';
import type { WatchServer } from '../watch/server.js';
import { followRun } from './follow-run.js';

/** State of a trainer after a step, as far as a run reads it. */
export interface RunState {
  /** Steps done. */
  readonly step: number;
  /** Records of all steps of the run. */
  readonly history: readonly StepRecord[];
}

/** Interface of a run to its trainer while that works. */
export interface RunHooks<State extends RunState> {
  readonly signal?: AbortSignal;
  /** Whether the state is read after a step. */
  needsState(step: number): boolean;
  /** Is called after each step. */
  onStep(record: StepRecord, state: State, total: number): Promise<void>;
}

/** A trainer as a run drives it: it hands over records and knows how to save and restore its state. */
export interface RunTrainer<State extends RunState> {
  /** Steps of the whole run, and how many of them were done before. */
  readonly totalSteps: number;
  readonly doneSteps: number;
  /** Records of the steps that were done before. */
  readonly history: readonly StepRecord[];
  /** Trains to the end. */
  run(hooks: RunHooks<State>): Promise<State>;
  /** Writes a checkpoint. */
  save(path: string, state: State): Promise<void>;
  /** Puts the weights of a checkpoint in the place of the present ones. */
  restore(path: string): Promise<void>;
}

/** Options of `conductRun`. */
export interface ConductOptions {
  /** Directory of the run, see `claimOutput`. */
  readonly output: string;
  /** Name of what is trained, for the title of the page. */
  readonly label: string;
  /** Steps between checkpoints. @default none but the one on interruption */
  readonly checkpointEvery?: number;
  /** Number of the newest checkpoints that stay beside the best one. @default 2 */
  readonly keepCheckpoints?: number;
  /** The checkpoint that the run goes on from. @default none */
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
  /** The step whose weights the model has: the best one on held-out data, or the last. */
  readonly modelStep: number;
}

/** The step with the lowest finite validation loss, the first of equal ones; undefined where none was validated. */
export function bestStep(history: readonly StepRecord[]): number | undefined {
  return bestRecord(history, ({ validation }) => validation?.loss)?.step;
}

/** Whether a run was stopped, by the signal of this process or of another one, and did not fail. */
export function isStopped(cause: unknown, signal: AbortSignal | undefined): boolean {
  if (cause instanceof RunError) return cause.code === 'interrupted';
  return signal?.aborted === true || (cause instanceof DOMException && cause.name === 'AbortError');
}

/**
 * Trains to the end, with checkpoints, the metrics log and the page on the way, and goes back to the best weights. An
 * interruption leaves a checkpoint of the last whole step.
 *
 * @throws {RunError} `interrupted`; the errors of the trainer
 * @example
 * ```ts
 * await claimOutput('runs/one');
 * const { modelStep } = await conductRun(trainer, { output: 'runs/one', label: 'finetune', checkpointEvery: 100 });
 * ```
 */
export async function conductRun<State extends RunState>(
  trainer: RunTrainer<State>,
  options: ConductOptions,
): Promise<RunOutcome<State>> {
  const { output, checkpointEvery, signal, onNote = () => {}, onProgress, patiently = atOnce } = options;
  const followed = await followRun({ ...trainerFacts(trainer), ...options }, options.watch, onNote);
  const due = (step: number) => checkpointEvery !== undefined && step % checkpointEvery === 0;
  let saved = trainer.doneSteps;
  let last: State | undefined;
  const save = async (state: State) => {
    onNote(`checkpoint ${await keepCheckpoint(trainer, state, options)}`);
    saved = state.step;
  };
  try {
    const state = await trainer.run({
      signal,
      needsState: due,
      async onStep(record, current, total) {
        last = current;
        onProgress?.(record.step, await followed.step(record));
        if (due(record.step) && record.step < total) await save(current);
      },
    });
    followed.end('finished');
    return { state, modelStep: await patiently(() => restoreBest(trainer, state, options)) };
  } catch (cause) {
    const stopped = isStopped(cause, signal);
    followed.end(stopped ? 'interrupted' : 'failed');
    if (!stopped) throw cause;
    const unsaved = last;
    if (unsaved !== undefined && unsaved.step > saved) await patiently(() => save(unsaved));
    const hint = saved > 0 ? `go on with --resume from step ${saved}` : 'no step was done; start again';
    throw new RunError('interrupted', `interrupted; ${output} holds whole files only`, hint, { cause });
  } finally {
    await followed.close();
  }
}

async function atOnce<T>(work: () => T | Promise<T>): Promise<T> {
  return work();
}

function trainerFacts({
  totalSteps,
  doneSteps,
  history,
}: Pick<RunTrainer<never>, 'totalSteps' | 'doneSteps' | 'history'>) {
  return { totalSteps, doneSteps, history };
}

/** Saves a checkpoint and deletes all but the newest ones and the best one. Returns its path. */
async function keepCheckpoint<State extends RunState>(
  trainer: Pick<RunTrainer<State>, 'save'>,
  state: State,
  { output, keepCheckpoints = 2 }: ConductOptions,
): Promise<string> {
  const path = checkpointPath(output, state.step);
  await trainer.save(path, state);
  const best = bestStep(state.history);
  const steps = best === undefined ? [] : [best];
  await pruneSnapshots(output, 'checkpoint', { newest: keepCheckpoints, steps });
  return path;
}

/**
 * Goes back to the weights of the best checkpoint, where examples are held out and an earlier step was better on them
 * than the last one. Returns the step whose weights those are.
 */
async function restoreBest(
  trainer: Pick<RunTrainer<never>, 'restore'>,
  { step, history }: RunState,
  { output, resumedFrom, onNote = () => {} }: ConductOptions,
): Promise<number> {
  const best = bestStep(history) ?? step;
  if (best === step) return step;
  // An earlier part of the run may have written elsewhere.
  const folders = [output, ...(resumedFrom === undefined ? [] : [dirname(resumedFrom)])];
  const path = folders.map((folder) => checkpointPath(folder, best)).find((place) => existsSync(place));
  if (path === undefined) {
    onNote(
      `step ${best} was the best on held-out data, but its checkpoint is gone: the model is that of the last step`,
    );
    return step;
  }
  await trainer.restore(path);
  onNote(`the model is that of step ${best}, the best on held-out data`);
  return best;
}
