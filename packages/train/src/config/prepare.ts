import { join } from 'node:path';
import type { GramMetadata, ModelToSave } from '@gram/model';
import { type ChatEncoderOptions, createChatEncoder, createPairEncoder, judgePrompt } from '@gram/tokenize';
import { totalSteps } from '../batches.js';
import { type Checkpoint, loadCheckpoint, type TrainingState } from '../checkpoint.js';
import {
  type Examples,
  encodeDemonstrations,
  encodePreferences,
  encodeResponsePairs,
  encodeRewardPairs,
} from '../encode.js';
import { TrainError } from '../error.js';
import { bradleyTerry } from '../objectives/bradley-terry.js';
import type { Objective } from '../objectives/objective.js';
import { preference } from '../objectives/preference.js';
import { paperSmoothing } from '../objectives/smoothing.js';
import { pairGeneration, supervisedFineTuning } from '../objectives/token-generation.js';
import { type TrainRun, train } from '../trainer.js';
import { readRecords, type TrainingRecords } from './records.js';
import type { TrainingConfig } from './schema.js';
import { askedAs, type StartingModel, startingModel } from './starting-model.js';

/** A run with its data encoded and its model in memory, ready to start. Nothing has been written. */
export interface PreparedTraining {
  /** What to save; `run` trains its weights in place. */
  readonly model: ModelToSave & { readonly gram: GramMetadata; readonly tokenizerJson: string };
  /** Names of weights that are random, where the others were loaded. */
  readonly newWeights: readonly string[];
  readonly examples: number;
  /** Examples that were cut to fit. */
  readonly truncated: number;
  /** Length of the longest example in tokens. */
  readonly longest: number;
  /** Optimizer steps of the whole run, and how many of them the checkpoint has behind it. */
  readonly totalSteps: number;
  readonly doneSteps: number;
  /** Trains to the end; see `train` for the errors. */
  run(watch?: Pick<TrainRun<never>, 'onStep' | 'signal'>): Promise<TrainingState>;
}

/**
 * Loads what a configuration names: data, tokenizer and model.
 *
 * @param checkpoint directory of a checkpoint to go on from
 * @throws TrainError `bad-config`, `no-data`, `bad-checkpoint`; DataError, ModelError and TokenizeError of what is read
 */
export async function prepareTraining(
  config: TrainingConfig,
  { checkpoint, signal }: { checkpoint?: string; signal?: AbortSignal } = {},
): Promise<PreparedTraining> {
  const records = await readRecords(config, signal);
  const resume = checkpoint === undefined ? undefined : await loadCheckpoint(checkpoint);
  const start =
    resume === undefined
      ? await startingModel(config, records, signal)
      : await resumedModel(config, resume, join(checkpoint!, 'model'));
  const { gram, tokenizer, chat } = start;
  const sameNotes = JSON.stringify(resume?.model.gram?.training) === JSON.stringify(gram.training);
  if (resume !== undefined && !sameNotes) {
    throw new TrainError(
      'bad-checkpoint',
      `${checkpoint} was made in another stage or with another label smoothing`,
      'resume with the configuration that started the run, or start anew in another directory',
    );
  }
  const model = { config: start.config, weights: start.weights, gram, ...start.companions };
  const prepared = <Example>(encoded: Examples<Example>, objective: Objective<Example>): PreparedTraining => {
    const { examples, truncated } = encoded;
    const options = { ...config.optimizer, seed: config.seed };
    return {
      model,
      newWeights: start.newWeights,
      examples: examples.length,
      truncated,
      longest: examples.reduce((most, example) => Math.max(most, objective.length(example)), 0),
      totalSteps: totalSteps({ examples: examples.length, ...options }),
      doneSteps: resume?.step ?? 0,
      run: (watch) =>
        train({
          config: start.config,
          weights: start.weights,
          objective,
          examples,
          options,
          resume,
          ...watch,
        }),
    };
  };
  const { maxLength, overlong } = config;
  const options = { tokenizer, chat, maxLength, overlong };
  return encodeFor(config, records, options, gram.judgePrompt, prepared);
}

/** Encodes the records for their stage and hands them on with the objective of the stage. */
async function encodeFor(
  { labelSmoothing, smoothingConvention, seed }: TrainingConfig,
  records: TrainingRecords,
  options: ChatEncoderOptions,
  judge: string | undefined,
  prepared: <Example>(encoded: Examples<Example>, objective: Objective<Example>) => PreparedTraining,
): Promise<PreparedTraining> {
  if (records.stage === 'sft') {
    const encoder = await createChatEncoder(options);
    return prepared(await encodeDemonstrations(encoder, records.demonstrations), supervisedFineTuning);
  }
  // Every stage but sft trains a judge, which has a prompt.
  const encoder = await createPairEncoder({ ...options, prompt: judgePrompt(judge!) });
  const smoothing =
    labelSmoothing === undefined ? undefined : paperSmoothing(labelSmoothing, smoothingConvention);
  switch (records.stage) {
    case 'pair-generation':
      return prepared(await encodeResponsePairs(encoder, records.pairs), pairGeneration);
    case 'preference':
      return prepared(
        await encodePreferences(encoder, records.pairs, seed),
        preference({ labels: encoder.labelIds, labelSmoothing: smoothing }),
      );
    case 'bradley-terry':
      return prepared(await encodeRewardPairs(encoder, records.pairs), bradleyTerry(smoothing));
  }
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
    ...(await askedAs({ ...config, init: { ...config.init, chat: undefined } }, model, directory)),
  };
}
