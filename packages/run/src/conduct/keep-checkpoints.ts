import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkpointPath, listCheckpoints, pruneCheckpoints, stepOfPath } from '../checkpoints/checkpoints.js';
import { bestStep } from '../metrics.js';
import type { OutputClaim } from '../output/output.js';
import type { RunState, RunTrainer } from './trainer.js';

/** Options of `createKeeper`. */
export interface KeeperOptions {
  readonly output: OutputClaim;
  readonly checkpointEvery?: number;
  readonly keepCheckpoints?: number;
  readonly resumedFrom?: string;
  readonly onNote: (text: string) => void;
}

/** Keeper of the checkpoints of a run: it writes them, deletes old ones, and goes back to the best one. */
export interface Keeper<State extends RunState> {
  /** Step of the newest checkpoint that the run has; 0 without one. */
  readonly saved: number;
  /** Whether a checkpoint is planned after a step. */
  isDue(step: number): boolean;
  /** Deletes what is newer than the checkpoint that the run goes on from: its steps will be done again. */
  begin(): Promise<void>;
  save(state: State): Promise<void>;
  /** Deletes all but the newest checkpoints and the best one. */
  prune(state: RunState): Promise<void>;
  /**
   * Goes back to the weights of the best checkpoint, where an earlier evaluation was better than the last one. Returns the
   * step whose weights those are.
   */
  restoreBest(state: RunState): Promise<number>;
}

/** Makes the keeper of the checkpoints of a run. */
export function createKeeper<State extends RunState>(
  trainer: RunTrainer<State>,
  { output, checkpointEvery, keepCheckpoints = 2, resumedFrom, onNote }: KeeperOptions,
): Keeper<State> {
  const isDue = (step: number) => checkpointEvery !== undefined && step % checkpointEvery === 0;
  const first = (resumedFrom === undefined ? undefined : stepOfPath(resumedFrom)) ?? trainer.doneSteps;
  let saved = first;
  const prune = async ({ history }: RunState) => {
    const best = bestStep(history, trainer.metrics);
    const steps = (await listCheckpoints(output.path)).map((path) => stepOfPath(path) ?? 0);
    // Beside the newest one those of the plan: where a run was interrupted must not decide which ones stay.
    const older = steps.filter((step) => step < saved && (checkpointEvery === undefined || isDue(step)));
    const kept = new Set([saved, best, ...older.slice(Math.max(0, older.length - keepCheckpoints + 1))]);
    await pruneCheckpoints(output.path, (step) => kept.has(step));
  };
  return {
    get saved() {
      return saved;
    },
    isDue,
    async begin() {
      if (resumedFrom === undefined || resolve(dirname(resumedFrom)) !== resolve(output.path)) return;
      await pruneCheckpoints(output.path, (step) => step <= first);
    },
    async save(state) {
      // Writing would make a directory that was deleted anew.
      await output.check();
      const path = checkpointPath(output.path, state.step);
      await trainer.save(path, state);
      saved = state.step;
      onNote(`checkpoint ${path}`);
      await prune(state);
    },
    prune,
    async restoreBest({ step, history }) {
      const best = bestStep(history, trainer.metrics) ?? step;
      if (best === step) return step;
      // An earlier part of the run may have written elsewhere.
      const folders = [output.path, ...(resumedFrom === undefined ? [] : [dirname(resumedFrom)])];
      const path = folders.map((folder) => checkpointPath(folder, best)).find((place) => existsSync(place));
      const data = `${trainer.metrics.evaluation} data`;
      if (path === undefined) {
        onNote(
          `step ${best} was the best on ${data}, but its checkpoint is gone: the model is that of the last step`,
        );
        return step;
      }
      await trainer.restore(path);
      onNote(`the model is that of step ${best}, the best on ${data}`);
      return best;
    },
  };
}
