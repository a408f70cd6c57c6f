import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { NDArray } from '@gram/engine';
import {
  type Adapter,
  type LoadedModel,
  loadAdapter,
  loadModel,
  type ModelConfig,
  type ModelToSave,
  readSafetensors,
  type SaveAdapterOptions,
  saveAdapter,
  saveModel,
  type Weights,
  writeSafetensors,
} from '@gram/model';
import {
  brokenCheckpoint,
  checkFiles,
  checkFinite,
  checkProgress,
  type Fingerprint,
  readPart,
  writeCheckpoint,
} from '@gram/run';
import { TrainError } from './error.js';
import { type Moments, momentShapes, type Optimizer } from './optimizers/optimizer.js';
import type { TrainingRecord } from './training-record.js';

/** State from which a run goes on. The order of the data follows from seed and step. */
export interface TrainingState {
  /** Optimizer steps done. */
  readonly step: number;
  /** Steps left out because loss or gradient was not finite. */
  readonly skipped: number;
  readonly moments: Moments<NDArray<'float32'>>;
  readonly history: readonly TrainingRecord[];
  /** Identifies the run, part by part; a resumed run must be made of the same parts. */
  readonly fingerprint: Fingerprint;
}

/** A checkpoint of a whole model: `model/`, which loads like any model, and the state of the run. */
export interface Checkpoint extends TrainingState {
  readonly model: LoadedModel;
}

/** A checkpoint of an adapter: `adapter/`, which PEFT loads, and the state of the run. The model under it lies elsewhere. */
export interface AdapterCheckpoint extends TrainingState {
  readonly adapter: Adapter;
}

/** Trained weights as they are saved: a whole model, or an adapter with what is known of its base and of the model it makes. */
export type Trained =
  | { readonly model: ModelToSave }
  | {
      readonly adapter: Adapter;
      readonly config: ModelConfig;
      readonly options: SaveAdapterOptions;
    };

const stateFile = 'training.json';
const momentsFile = 'moments.safetensors';
const checkpointFiles = ['model', 'adapter', stateFile, momentsFile];

/** Writes a checkpoint: it is there whole, with the hashes of its files, or not at all. */
export async function saveCheckpoint(path: string, trained: Trained, state: TrainingState): Promise<void> {
  const { moments, ...rest } = state;
  await writeCheckpoint(path, checkpointFiles, state, async (temporary) => {
    if ('model' in trained) await saveModel(join(temporary, 'model'), trained.model);
    else {
      // The tokenizer stands beside the model under the adapter, and beside the result.
      const { files: _, ...options } = trained.options;
      await saveAdapter(join(temporary, 'adapter'), trained.adapter, trained.config, options);
    }
    await writeMoments(join(temporary, momentsFile), moments);
    await writeFile(join(temporary, stateFile), JSON.stringify(rest));
  });
}

/**
 * Reads a checkpoint of a whole model.
 *
 * @param optimizer whose moments it holds
 * @param trained which of the weights they belong to. @default all of them
 * @throws RunError `bad-checkpoint` when it is not what was written, with the next older one that is whole; TrainError
 *   `bad-checkpoint` when its moments are those of another optimizer
 */
export async function loadCheckpoint(
  path: string,
  optimizer: Optimizer,
  trained: (config: ModelConfig, weights: Weights) => Weights = (_, weights) => weights,
): Promise<Checkpoint> {
  await checkFiles(path);
  const model = await loadCheckpointModel(path);
  return { ...(await readState(path, optimizer, trained(model.config, model.weights))), model };
}

/**
 * Reads a checkpoint of an adapter.
 *
 * @param config of the model under it
 * @throws as `loadCheckpoint`
 */
export async function loadAdapterCheckpoint(
  path: string,
  optimizer: Optimizer,
  config: ModelConfig,
): Promise<AdapterCheckpoint> {
  await checkFiles(path);
  const adapter = await loadCheckpointAdapter(path, config);
  return { ...(await readState(path, optimizer, adapter.weights)), adapter };
}

/** The model of a checkpoint, without its state. @throws RunError `bad-checkpoint` where a weight is not finite */
export async function loadCheckpointModel(path: string): Promise<LoadedModel> {
  // Absolute, so that a path that is not there is never taken for a repository of the hub.
  return readPart(path, () => loadModel(resolve(path, 'model')));
}

/** The adapter of a checkpoint, without its state. @throws RunError `bad-checkpoint` where a weight is not finite */
export async function loadCheckpointAdapter(path: string, config: ModelConfig): Promise<Adapter> {
  const adapter = await readPart(path, () => loadAdapter(join(path, 'adapter'), config));
  await checkFinite(path, 'adapter', adapter.weights);
  return adapter;
}

async function readState(path: string, optimizer: Optimizer, weights: Weights): Promise<TrainingState> {
  let rest: Omit<TrainingState, 'moments'>;
  try {
    rest = JSON.parse(await readFile(join(path, stateFile), 'utf8'));
  } catch (cause) {
    throw await brokenCheckpoint(path, `${stateFile} is missing or broken`, cause);
  }
  const { step, skipped, history, fingerprint } = rest ?? {};
  const counted = Number.isInteger(step) && Number.isInteger(skipped) && Array.isArray(history);
  if (!counted || typeof fingerprint !== 'object') {
    throw await brokenCheckpoint(path, `${stateFile} lacks step, skipped, history or fingerprint`);
  }
  await checkProgress(path, rest);
  const moments = await readMoments(join(path, momentsFile), optimizer, weights);
  for (const [slot, arrays] of Object.entries(moments)) await checkFinite(path, `moment ${slot}`, arrays);
  return { ...rest, moments };
}

/** Writes moments as one safetensors file, with the names `SLOT.WEIGHT`, as `m.model.norm.weight`. */
export async function writeMoments(path: string, moments: Moments<NDArray<'float32'>>): Promise<void> {
  const named = Object.entries(moments).flatMap(([slot, arrays]) =>
    Object.entries(arrays).map(([name, array]) => [`${slot}.${name}`, array] as const),
  );
  await writeSafetensors(path, Object.fromEntries(named));
}

/**
 * Reads what `writeMoments` wrote.
 *
 * @param optimizer whose moments they are
 * @param weights the weights that they belong to
 * @throws TrainError `bad-checkpoint` when one is missing or misshapen; ModelError for a broken file
 */
export async function readMoments(
  path: string,
  optimizer: Optimizer,
  weights: Weights,
): Promise<Moments<NDArray<'float32'>>> {
  const { tensors } = await readSafetensors(path);
  const read = (slot: string, name: string, shape: readonly number[]) => {
    const moment = tensors[`${slot}.${name}`];
    if (moment !== undefined && String(moment.shape) === String(shape)) return moment;
    throw new TrainError(
      'bad-checkpoint',
      `${path} has no tensor ${slot}.${name} of shape [${shape}]`,
      'resume from another checkpoint, or start anew',
    );
  };
  return Object.fromEntries(
    Object.entries(momentShapes(optimizer, weights)).map(([slot, named]) => [
      slot,
      Object.fromEntries(Object.entries(named).map(([name, shape]) => [name, read(slot, name, shape)])),
    ]),
  );
}
