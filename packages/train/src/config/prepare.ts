import { join } from 'node:path';
import { createRandom } from '@gram/data';
import {
  type Adapter,
  type GramMetadata,
  initAdapter,
  type LoraConfig,
  type ModelConfig,
  type ModelToSave,
  mergeAdapter,
  type Weights,
} from '@gram/model';
import { type ChatEncoderOptions, createChatEncoder, createPairEncoder, judgePrompt } from '@gram/tokenize';
import { totalSteps } from '../batches.js';
import {
  type Checkpoint,
  loadAdapterCheckpoint,
  loadCheckpoint,
  type StepRecord,
  type Trained,
  type TrainingState,
} from '../checkpoint.js';
import {
  type Examples,
  encodeDemonstrations,
  encodePolicyPairs,
  encodePreferences,
  encodeResponsePairs,
  encodeRewardPairs,
} from '../encode.js';
import { TrainError } from '../error.js';
import { headPart, headWeights } from '../head-part.js';
import { bradleyTerry } from '../objectives/bradley-terry.js';
import { directPreference } from '../objectives/direct-preference.js';
import { generalizableReward } from '../objectives/generalizable-reward.js';
import type { Objective } from '../objectives/objective.js';
import type { PolicyPair, ReferencedPair } from '../objectives/policy-pairs.js';
import { preference } from '../objectives/preference.js';
import { referenceLogProbabilities } from '../objectives/reference-log-probabilities.js';
import { paperSmoothing } from '../objectives/smoothing.js';
import { pairGeneration, supervisedFineTuning } from '../objectives/token-generation.js';
import { adafactor } from '../optimizers/adafactor.js';
import { adamW } from '../optimizers/adamw.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { sgd } from '../optimizers/sgd.js';
import { adapterPart, type TrainedPart } from '../trained-part.js';
import { type TrainRun, train } from '../trainer.js';
import { readRecords, type TrainingRecords } from './records.js';
import type { TrainingConfig } from './schema.js';
import { askedAs, type StartingModel, startingModel } from './starting-model.js';

/** A run with its data encoded and its model in memory, ready to start. Nothing has been written. */
export interface PreparedTraining {
  readonly config: ModelConfig;
  /** How the trained model must be asked. */
  readonly gram: GramMetadata;
  /** Names of weights that are random, where the others were loaded. */
  readonly newWeights: readonly string[];
  /** Number of parameters that are trained. */
  readonly trainedParameters: number;
  readonly examples: number;
  /** Examples that were cut to fit. */
  readonly truncated: number;
  /** Length of the longest example in tokens. */
  readonly longest: number;
  /** Tokens of all examples, padding left out. */
  readonly tokens: number;
  /** Optimizer steps of the whole run, and how many of them the checkpoint has behind it. */
  readonly totalSteps: number;
  readonly doneSteps: number;
  /** What those steps reported. */
  readonly history: readonly StepRecord[];
  /** Records of the data that gave no example: ties and equal responses. */
  readonly dropped: number;
  /** Trains to the end; see `train` for the errors. */
  run(watch?: Pick<TrainRun<never>, 'onStep' | 'signal'>): Promise<TrainingState>;
  /** What to put into a checkpoint. */
  readonly trained: Trained;
  /** The model as it is now, an adapter merged into it. */
  result(): ModelToSave;
}

/** What is trained, and the state that a checkpoint left. */
interface Start {
  readonly start: StartingModel;
  readonly weights: Weights;
  readonly part?: TrainedPart;
  readonly trained: Trained;
  readonly result: () => ModelToSave;
  readonly resume?: TrainingState;
  /** The model before any training: what a policy is compared with. */
  readonly original: () => Promise<Pick<StartingModel, 'config' | 'weights'>>;
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
  const optimizer = optimizerOf(config.optimizer);
  const begin = config.lora === undefined ? wholeStart : adapterStart;
  const begun = await begin(config, records, optimizer, { checkpoint, signal });
  const { start, weights, part, trained, result, resume, original } = begun;
  const { gram, tokenizer, chat } = start;
  const prepared = <Example>(encoded: Examples<Example>, objective: Objective<Example>): PreparedTraining => {
    const { examples, truncated } = encoded;
    checkBatch(config, examples.length);
    const { learningRate, schedule, batchSize, microBatchSize, epochs, warmupRatio, maxGradientNorm } =
      config.optimizer;
    const pace = { learningRate, schedule, batchSize, microBatchSize, epochs, warmupRatio, maxGradientNorm };
    const options = { ...pace, optimizer, seed: config.seed };
    return {
      config: start.config,
      gram,
      newWeights: start.newWeights,
      trainedParameters: Object.values(weights).reduce((sum, { data }) => sum + data.length, 0),
      examples: examples.length,
      truncated,
      longest: examples.reduce((most, example) => Math.max(most, objective.length(example)), 0),
      tokens: examples.reduce((sum, example) => sum + objective.length(example), 0),
      totalSteps: totalSteps({ examples: examples.length, ...options }),
      doneSteps: resume?.step ?? 0,
      history: resume?.history ?? [],
      dropped: records.dropped,
      run: (watch) =>
        train({ config: start.config, weights, part, objective, examples, options, resume, ...watch }),
      trained,
      result,
    };
  };
  const { maxLength, overlong } = config;
  const options = { tokenizer, chat, maxLength, overlong };
  const compare = async <Pair extends PolicyPair>({ examples, ...rest }: Examples<Pair>) => {
    const reference = await original();
    const pairs = await referenceLogProbabilities(reference.config, reference.weights, examples, { signal });
    return { ...rest, examples: pairs };
  };
  return encodeFor(config, records, options, gram.judgePrompt, compare, prepared);
}

type Context = { readonly checkpoint?: string; readonly signal?: AbortSignal };

/** All weights are trained; a checkpoint holds them all. */
async function wholeStart(
  config: TrainingConfig,
  records: TrainingRecords,
  optimizer: Optimizer,
  { checkpoint, signal }: Context,
): Promise<Start> {
  const trainedOf = config.baseline?.freeze ? headWeights : (_: ModelConfig, all: Weights) => all;
  const resume =
    checkpoint === undefined ? undefined : await loadCheckpoint(checkpoint, optimizer, trainedOf);
  const start =
    resume === undefined
      ? await startingModel(config, records, signal)
      : await resumedModel(config, resume, join(checkpoint!, 'model'));
  const sameNotes = JSON.stringify(resume?.model.gram?.training) === JSON.stringify(start.gram.training);
  if (resume !== undefined && !sameNotes) {
    throw new TrainError(
      'bad-checkpoint',
      `${checkpoint} was made in another stage or with another label smoothing`,
      'resume with the configuration that started the run, or start anew in another directory',
    );
  }
  const { weights, gram, companions } = start;
  const model: ModelToSave = { config: start.config, weights, gram, ...companions };
  return {
    start,
    weights: trainedOf(start.config, weights),
    part: config.baseline?.freeze ? headPart(start.config, weights) : undefined,
    trained: { model },
    result: () => model,
    resume,
    // What was loaded is trained in place, and a checkpoint is further on.
    original: () => (resume === undefined ? Promise.resolve(start) : startingModel(config, records, signal)),
  };
}

/** An adapter is trained; a checkpoint holds it and not the model under it. */
async function adapterStart(
  config: TrainingConfig,
  records: TrainingRecords,
  optimizer: Optimizer,
  { checkpoint, signal }: Context,
): Promise<Start> {
  const lora = config.lora!;
  const start = await startingModel(config, records, signal);
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
    trained: { adapter, config: start.config, base: config.init.model! },
    result: () => ({
      config: start.config,
      weights: mergeAdapter(start.config, lora, base, weights),
      gram,
      ...companions,
    }),
    resume,
    original: () => Promise.resolve(start),
  };
}

/** A batch that the data can not fill is a mistake: the run would be one step, with another learning rate than meant. */
function checkBatch({ optimizer: { batchSize }, data }: TrainingConfig, examples: number): void {
  if (batchSize <= examples) return;
  throw new TrainError(
    'bad-config',
    `optimizer.batchSize is ${batchSize}, and ${data.path} gives ${examples} examples`,
    `set optimizer.batchSize to ${examples} or less, or give more data`,
  );
}

function sameLora(a: LoraConfig, b: LoraConfig): boolean {
  const facts = ({ rank, alpha, targets, dropout = 0, rankStabilised = false }: LoraConfig) =>
    JSON.stringify([rank, alpha, [...targets].sort(), dropout, rankStabilised]);
  return facts(a) === facts(b);
}

function optimizerOf({ name, weightDecay, betas, momentum }: TrainingConfig['optimizer']): Optimizer {
  switch (name) {
    case 'adamw':
      return adamW({ beta1: betas?.[0], beta2: betas?.[1], weightDecay });
    case 'sgd':
      return sgd({ momentum, weightDecay });
    case 'adafactor':
      return adafactor({ weightDecay });
  }
}

/** Adds to pairs what the model said of them before it was trained. */
type Compare = (pairs: Examples<PolicyPair>) => Promise<Examples<ReferencedPair>>;

/** Encodes the records for their stage and hands them on with the objective of the stage. */
async function encodeFor(
  config: TrainingConfig,
  records: TrainingRecords,
  options: ChatEncoderOptions,
  judge: string | undefined,
  compare: Compare,
  prepared: <Example>(encoded: Examples<Example>, objective: Objective<Example>) => PreparedTraining,
): Promise<PreparedTraining> {
  const { smoothingConvention, seed, beta, vocabulary } = config;
  const labelSmoothing =
    config.labelSmoothing === undefined
      ? undefined
      : paperSmoothing(config.labelSmoothing, smoothingConvention);
  switch (records.stage) {
    case 'sft': {
      const encoder = await createChatEncoder(options);
      return prepared(await encodeDemonstrations(encoder, records.demonstrations), supervisedFineTuning);
    }
    case 'direct-preference': {
      const pairs = await encodePolicyPairs(await createChatEncoder(options), records.pairs);
      return prepared(await compare(pairs), directPreference({ beta, labelSmoothing }));
    }
    case 'bradley-terry': {
      const { regulariser, positiveRegularisation } = config.baseline ?? {};
      const encoder = await createChatEncoder(options);
      if (regulariser !== undefined) {
        const pairs = await encodePolicyPairs(encoder, records.pairs);
        return regulariser === 'sft'
          ? prepared(pairs, generalizableReward('sft'))
          : prepared(await compare(pairs), generalizableReward('dpo'));
      }
      return prepared(
        await encodeRewardPairs(encoder, records.pairs),
        bradleyTerry({ labelSmoothing, positiveRegularisation }),
      );
    }
  }
  const encoder = await createPairEncoder({ ...options, prompt: judgePrompt(judge!) });
  if (records.stage === 'pair-generation') {
    return prepared(await encodeResponsePairs(encoder, records.pairs), pairGeneration);
  }
  return prepared(
    await encodePreferences(encoder, records.pairs, seed),
    preference({ labels: encoder.labelIds, labelSmoothing, vocabulary }),
  );
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
