import { join } from 'node:path';
import { createRandom } from '@gram/base';
import {
  type Adapter,
  decoderHash,
  initAdapter,
  type LoraConfig,
  type ModelConfig,
  type ModelToSave,
  mergeToSave,
  type Weights,
  withAdapter,
} from '@gram/model';
import { entryOf } from '../checked.js';
import {
  type Checkpoint,
  loadAdapterCheckpoint,
  loadCheckpoint,
  loadCheckpointAdapter,
  loadCheckpointModel,
  type Trained,
  type TrainingState,
} from '../checkpoint.js';
import { TrainError } from '../error.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { headPart, headWeights } from '../parts/head-part.js';
import { adapterPart, type TrainedPart } from '../parts/trained-part.js';
import type { TrainingConfig } from '../settings/schema.js';
import type { StageData } from '../stages/stage.js';
import { stageOf } from '../stages/table.js';
import { promptingOf } from './prompting.js';
import { type Context, modelOf, type StartingModel, startingModel } from './starting-model.js';

/** The trained weights of a run and the state of its checkpoint. */
export interface Start {
  readonly start: StartingModel;
  readonly weights: Weights;
  readonly part?: TrainedPart;
  readonly trained: Trained;
  readonly result: () => ModelToSave;
  /** Puts the weights of a checkpoint of this run in the place of the present ones. */
  readonly restore: (checkpoint: string) => Promise<void>;
  readonly resume?: TrainingState;
  /** The model before any training: what a policy is compared with. */
  readonly original: () => Promise<Pick<StartingModel, 'config' | 'weights'>>;
}

/** All weights are trained; a checkpoint holds them all. */
export async function wholeStart(
  config: TrainingConfig,
  data: StageData,
  optimizer: Optimizer,
  context: Context,
): Promise<Start> {
  const { checkpoint } = context;
  const headOnly = stageOf(config.stage).trainsHeadOnly(config);
  const trainedOf = headOnly ? headWeights : (_: ModelConfig, all: Weights) => all;
  const resume =
    checkpoint === undefined ? undefined : await loadCheckpoint(checkpoint, optimizer, trainedOf);
  const start =
    checkpoint === undefined || resume === undefined
      ? await startingModel(config, data, context)
      : await resumedModel(config, resume, join(checkpoint, 'model'));
  if (resume !== undefined) checkSameStage(resume, start, checkpoint);
  const { weights, gram, companions } = start;
  const model: ModelToSave = { config: start.config, weights, gram, ...companions };
  return {
    start,
    weights: trainedOf(start.config, weights),
    part: headOnly ? headPart(start.config, weights) : undefined,
    trained: { model },
    result: () => model,
    restore: async (path) => overwrite(weights, (await loadCheckpointModel(path)).weights),
    resume,
    // What was loaded is trained in place, and a checkpoint is further on.
    original: () => (resume === undefined ? Promise.resolve(start) : startingModel(config, data, context)),
  };
}

function checkSameStage(
  { model }: Checkpoint,
  { gram }: StartingModel,
  checkpoint: string | undefined,
): void {
  if (JSON.stringify(model.gram?.training) === JSON.stringify(gram.training)) return;
  throw new TrainError(
    'bad-checkpoint',
    `${checkpoint} was made in another stage or with another label smoothing`,
    'resume with the configuration that started the run, or start anew in another directory',
  );
}

/** An adapter is trained; a checkpoint holds it and not the model under it. */
export async function adapterStart(
  config: TrainingConfig,
  lora: LoraConfig,
  data: StageData,
  optimizer: Optimizer,
  context: Context,
): Promise<Start> {
  const { checkpoint } = context;
  const start = await startingModel(config, data, context);
  const { weights: base, gram, companions } = start;
  const resume =
    checkpoint === undefined ? undefined : await loadAdapterCheckpoint(checkpoint, optimizer, start.config);
  if (resume !== undefined && !sameLora(resume.adapter.lora, lora)) {
    throw new TrainError(
      'bad-checkpoint',
      `${checkpoint} holds an adapter of another kind`,
      'resume with the lora section that started the run, or start anew in another directory',
    );
  }
  const weights =
    resume?.adapter.weights ?? initAdapter(start.config, lora, base, createRandom(config.seed, 'adapter'));
  const adapter: Adapter = { lora, weights };
  return {
    start,
    weights,
    part: adapterPart(start.config, lora, base, config.seed),
    trained: {
      adapter,
      config: start.config,
      options: { baseModel: modelOf(config), base: decoderHash(base), gram, files: companions },
    },
    result: () => ({
      config: withAdapter(start.config, adapter),
      weights: mergeToSave(start.config, lora, base, weights),
      gram,
      ...companions,
    }),
    restore: async (path) => overwrite(weights, (await loadCheckpointAdapter(path, start.config)).weights),
    resume,
    original: () => Promise.resolve(start),
  };
}

function overwrite(weights: Weights, others: Weights): void {
  for (const [name, { data }] of Object.entries(weights)) data.set(entryOf(others, name).data);
}

function sameLora(a: LoraConfig, b: LoraConfig): boolean {
  const facts = ({ rank, alpha, targets, dropout = 0, rankStabilized = false }: LoraConfig) =>
    JSON.stringify([rank, alpha, [...targets].sort(), dropout, rankStabilized]);
  return facts(a) === facts(b);
}

async function resumedModel(
  config: TrainingConfig,
  { model }: Checkpoint,
  directory: string,
): Promise<StartingModel> {
  if (model.gram === undefined) {
    throw new TrainError('bad-checkpoint', `${directory} has no gram.json`, 'resume from another checkpoint');
  }
  return {
    config: model.config,
    weights: model.weights,
    newWeights: [],
    // The layout of the checkpoint, whatever the configuration would start with.
    ...(await promptingOf({ ...config, init: { ...config.init, chat: undefined } }, model, directory)),
  };
}
