import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { removeLeftovers, writeFileAtomic } from '@gram/base';
import { loadModel, type ModelConfig, saveModel, type Weights } from '@gram/model';
import { checkpointPath, latestCheckpoint } from '@gram/run';
import { loadPpoCheckpoint, savePpoCheckpoint } from './checkpoint.js';
import { PpoError } from './error.js';
import { fingerprintOf } from './fingerprint.js';
import type { PpoOptions } from './options.js';
import type { PpoRun } from './run.js';
import { bestStep, type PpoState } from './state.js';

/** The directory of a run. What is in it is whole at any moment. */
export interface RunFiles {
  /** Removes what a kill left half-written, and puts the newest checkpoint, if there is one, into the state of a new run. */
  load(state: PpoState): Promise<void>;
  /** Writes the best policy, beside the one before it. */
  saveBest(state: PpoState): Promise<void>;
  /** Writes a checkpoint, then deletes what only older ones need. */
  save(state: PpoState): Promise<void>;
  /** Does what a kill after the last checkpoint may have left undone, and writes the best policy as `model`. */
  finish(state: PpoState): Promise<void>;
}

const bestPath = (output: string, step: number) => join(output, `best-${String(step).padStart(7, '0')}`);

/**
 * Opens the directory of a run, where it has one.
 *
 * @throws PpoError `output-in-use` when it holds anything and the run is not to be resumed; `bad-checkpoint`
 */
export async function openRunFiles(run: PpoRun, options: PpoOptions): Promise<RunFiles | undefined> {
  const { output, resume = false, policy, value, tokenizer } = run;
  if (output === undefined) return undefined;
  await mkdir(output, { recursive: true });
  if (!resume && (await readdir(output)).length > 0) {
    throw new PpoError(
      'output-in-use',
      `${output} is not empty`,
      'set resume to go on with the run in it, or choose another output',
    );
  }
  const { chat, maxLength } = policy.gram;
  const frame = (kind: 'policy' | 'value', config: ModelConfig) => ({
    config,
    gram: { format: 1 as const, kind, chat, maxLength, training: { advantages: options.advantages } },
    tokenizerJson: tokenizer.json,
  });
  const models = {
    policy: frame('policy', policy.config),
    value: value && frame('value', value.config),
  };
  const fingerprint = fingerprintOf(run, options);
  const saveAs = (path: string, weights: Weights) => saveModel(path, { ...models.policy, weights });
  /** Deletes what only older checkpoints need, and writes the records up to the newest one. */
  const tidy = async ({ step, best, steps, evaluations }: PpoState) => {
    const keep = [checkpointPath(output, step), bestPath(output, best.step)];
    for (const name of await readdir(output)) {
      const other = join(output, name);
      if (/^(checkpoint|best)-\d{7}$/.test(name) && !keep.includes(other))
        await rm(other, { recursive: true });
    }
    await writeLines(join(output, 'steps.jsonl'), steps);
    await writeLines(join(output, 'evaluations.jsonl'), evaluations);
  };

  return {
    async load(state) {
      await removeLeftovers(output);
      const path = await latestCheckpoint(output);
      if (path === undefined) return;
      await loadPpoCheckpoint(path, fingerprint, state);
      const step = bestStep(state.evaluations);
      const { weights } = await loadModel(resolve(bestPath(output, step)));
      state.best = { step, weights };
    },
    saveBest: ({ best }) => saveAs(bestPath(output, best.step), best.weights),
    async save(state) {
      await savePpoCheckpoint(checkpointPath(output, state.step), models, fingerprint, state);
      await tidy(state);
    },
    async finish(state) {
      await tidy(state);
      await saveAs(join(output, 'model'), state.best.weights);
    },
  };
}

async function writeLines(path: string, records: readonly object[]): Promise<void> {
  await writeFileAtomic(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}
