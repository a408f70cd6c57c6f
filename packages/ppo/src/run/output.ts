import { join, resolve } from 'node:path';
import { removeLeftovers, writeFileAtomic } from '@gram/base';
import { loadModel, type ModelConfig, saveModel } from '@gram/model';
import {
  checkpointPath,
  claimOutput,
  fingerprint,
  isVacant,
  latestCheckpoint,
  pruneSnapshots,
  snapshotPath,
} from '@gram/run';
import { PpoError } from '../error.js';
import type { PpoOptions } from '../options.js';
import { type CheckpointFrame, loadPpoCheckpoint, savePpoCheckpoint } from './checkpoint.js';
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

/**
 * Opens the directory of a run, where it has one. Call it before the first step: the first weights identify the run.
 *
 * @throws PpoError `output-in-use` when it holds anything and the run is not to be resumed; `bad-checkpoint`
 * @throws RunError `exists` or `unwritable` when nothing can be written there
 */
export async function openRunFiles(run: PpoRun, options: PpoOptions): Promise<RunFiles | undefined> {
  const { output, resume = false } = run;
  if (output === undefined) return undefined;
  if (!isVacant(output) && !resume) {
    throw new PpoError(
      'output-in-use',
      `${output} is not empty`,
      'set resume to continue the run in it, or choose another output',
    );
  }
  await claimOutput(output);
  const frame = frameOf(run, options);
  const bestPath = (step: number) => snapshotPath(output, 'best', step);
  /** Deletes what only older checkpoints need, and writes the records up to the newest one. */
  const tidy = async ({ step, best, steps, evaluations }: PpoState) => {
    await pruneSnapshots(output, 'checkpoint', { newest: 0, steps: [step] });
    await pruneSnapshots(output, 'best', { newest: 0, steps: [best.step] });
    await writeLines(join(output, 'steps.jsonl'), steps);
    await writeLines(join(output, 'evaluations.jsonl'), evaluations);
  };

  return {
    async load(state) {
      await removeLeftovers(output);
      const path = await latestCheckpoint(output);
      if (path === undefined) return;
      await loadPpoCheckpoint(path, frame, state);
      const step = bestStep(state.evaluations);
      // Absolute, so that a path that is not there is never taken for a repository of the hub.
      const { weights } = await loadModel(resolve(bestPath(step)));
      state.best = { step, weights };
    },
    async saveBest({ best: { step, weights } }) {
      await saveModel(bestPath(step), { ...frame.policy, weights });
    },
    async save(state) {
      await savePpoCheckpoint(checkpointPath(output, state.step), frame, state);
      await tidy(state);
    },
    async finish(state) {
      await tidy(state);
      await saveModel(join(output, 'model'), { ...frame.policy, weights: state.best.weights });
    },
  };
}

/** Says what the checkpoints of a run belong to. */
function frameOf({ policy, value, tokenizer, ...run }: PpoRun, options: PpoOptions): CheckpointFrame {
  const { chat, maxLength } = policy.gram;
  const model = (kind: 'policy' | 'value', config: ModelConfig) => ({
    config,
    gram: { format: 1 as const, kind, chat, maxLength, training: { advantages: options.advantages } },
    tokenizerJson: tokenizer.json,
  });
  const description = {
    options: { ...options, optimizer: options.optimizer.name },
    policy: policy.config,
    value: value?.config,
    prompts: run.prompts,
    validation: run.validation,
  };
  const contents = [policy, value].flatMap((each) =>
    Object.entries(each?.weights ?? {}).flatMap(([name, { data }]) => [
      name,
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    ]),
  );
  return {
    fingerprint: fingerprint(description, contents),
    optimizer: options.optimizer,
    policy: model('policy', policy.config),
    value: value && model('value', value.config),
  };
}

async function writeLines(path: string, records: readonly object[]): Promise<void> {
  await writeFileAtomic(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}
