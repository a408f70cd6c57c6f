import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { NDArray } from '@gram/engine';
import {
  type LoadedModel,
  loadModel,
  type ModelToSave,
  readSafetensors,
  saveModel,
  type Weights,
  writeDirectoryAtomic,
  writeSafetensors,
} from '@gram/model';
import { TrainError } from './error.js';
import type { Moments } from './optimizers/adamw.js';

/** One optimizer step, as it is logged. */
export interface StepRecord {
  readonly step: number;
  readonly loss: number;
  /** Share of the step's pairs that were ordered correctly, where the objective orders pairs. */
  readonly accuracy?: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly tokens: number;
}

/** Everything that a run needs to go on. The order of the data follows from seed and step. */
export interface TrainingState {
  /** Optimizer steps done. */
  readonly step: number;
  /** Steps left out because loss or gradient was not finite. */
  readonly skipped: number;
  readonly moments: Moments<NDArray<'float32'>>;
  readonly history: readonly StepRecord[];
  /** What was trained and on what; a resumed run must say the same. */
  readonly fingerprint: string;
}

/** A checkpoint directory: `model/`, which loads like any model, and the state of the run. */
export interface Checkpoint extends TrainingState {
  readonly model: LoadedModel;
}

const stateFile = 'training.json';
const momentsFile = 'moments.safetensors';
const checkpointFiles = ['model', stateFile, momentsFile];

/** The directory of the checkpoint after `step` steps. */
export function checkpointPath(directory: string, step: number): string {
  return join(directory, `checkpoint-${String(step).padStart(7, '0')}`);
}

/** Writes a checkpoint under a temporary name and renames it: it is there whole, or not at all. */
export async function saveCheckpoint(path: string, model: ModelToSave, state: TrainingState): Promise<void> {
  const { moments, ...rest } = state;
  await writeDirectoryAtomic(path, checkpointFiles, async (temporary) => {
    await saveModel(join(temporary, 'model'), model);
    await writeMoments(join(temporary, momentsFile), moments);
    await writeFile(join(temporary, stateFile), JSON.stringify(rest));
  });
}

/** The newest checkpoint in a directory, or undefined. */
export async function latestCheckpoint(directory: string): Promise<string | undefined> {
  if (!existsSync(directory)) return undefined;
  const names = (await readdir(directory)).filter((name) => /^checkpoint-\d{7}$/.test(name)).sort();
  const newest = names.at(-1);
  return newest === undefined ? undefined : join(directory, newest);
}

/**
 * Reads a checkpoint.
 *
 * @throws TrainError `bad-checkpoint` when files are missing or do not fit together; ModelError when
 *   the model's tensors do not match its config.
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  // Absolute, so that a path that is not there is never taken for a repository of the hub.
  const model = await loadModel(resolve(path, 'model'));
  const broken = (what: string, cause?: unknown) =>
    new TrainError('bad-checkpoint', `${path}: ${what}`, 'resume from another checkpoint, or start anew', {
      cause,
    });
  let rest: Omit<TrainingState, 'moments'>;
  try {
    rest = JSON.parse(await readFile(join(path, stateFile), 'utf8'));
  } catch (cause) {
    throw broken(`${stateFile} is missing or broken`, cause);
  }
  if (!Number.isInteger(rest?.step) || !Array.isArray(rest.history) || typeof rest.fingerprint !== 'string') {
    throw broken(`${stateFile} lacks step, history or fingerprint`);
  }
  const moments = await readMoments(join(path, momentsFile), model.weights);
  return { ...rest, moments, model };
}

/** Writes moments as one safetensors file, with the names `m.WEIGHT` and `v.WEIGHT`. */
export async function writeMoments(path: string, { m, v }: Moments<NDArray<'float32'>>): Promise<void> {
  const named = (kind: string, arrays: Readonly<Record<string, NDArray<'float32'>>>) =>
    Object.entries(arrays).map(([name, array]) => [`${kind}.${name}`, array] as const);
  await writeSafetensors(path, Object.fromEntries([...named('m', m), ...named('v', v)]));
}

/**
 * Reads what `writeMoments` wrote.
 *
 * @param weights the weights that the moments belong to
 * @throws TrainError `bad-checkpoint` when one is missing or misshapen; ModelError for a broken file
 */
export async function readMoments(path: string, weights: Weights): Promise<Moments<NDArray<'float32'>>> {
  const { tensors } = await readSafetensors(path);
  const named = (kind: string) =>
    Object.fromEntries(
      Object.entries(weights).map(([name, { shape }]) => {
        const moment = tensors[`${kind}.${name}`];
        if (moment !== undefined && String(moment.shape) === String(shape)) return [name, moment];
        throw new TrainError(
          'bad-checkpoint',
          `${path} has no tensor ${kind}.${name} of shape [${shape}]`,
          'resume from another checkpoint, or start anew',
        );
      }),
    );
  return { m: named('m'), v: named('v') };
}

/** Moments of a run that has not begun. */
export function zeroMoments(weights: Weights): Moments<NDArray<'float32'>> {
  const zeros = () =>
    Object.fromEntries(
      Object.entries(weights).map(([name, { shape, data }]) => [
        name,
        { dtype: 'float32' as const, shape, data: new Float32Array(data.length) },
      ]),
    );
  return { m: zeros(), v: zeros() };
}
