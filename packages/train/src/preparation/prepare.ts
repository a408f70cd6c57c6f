import { checkMemory, withinMemory } from '@gram/base';
import { checkDevice } from '@gram/engine';
import type { GramMetadata, ModelConfig, ModelToSave } from '@gram/model';
import { type Fingerprint, fingerprintOf } from '@gram/run';
import { encodingOf, type JudgePrompt } from '@gram/tokenize';
import { totalSteps } from '../batches/epoch-batches.js';
import type { Trained, TrainingState } from '../checkpoint.js';
import { TrainError } from '../error.js';
import { lengthsOf } from '../examples/source.js';
import type { Objective } from '../objectives/objective.js';
import { withReference } from '../objectives/reference-log-probabilities.js';
import { momentValues, type Optimizer } from '../optimizers/optimizer.js';
import { createOptimizer } from '../optimizers/table.js';
import type { TrainingConfig } from '../settings/schema.js';
import type { EncodedFile } from '../stages/encode-files.js';
import type { EncodedSplit, EncodingContext, StageData } from '../stages/stage.js';
import { stageOf } from '../stages/table.js';
import { type TrainRun, train } from '../trainer.js';
import type { TrainingRecord } from '../training-record.js';
import { computesInHostMemory, memorySizes, trainingNeed } from './memory.js';
import { adapterStart, type Start, wholeStart } from './start.js';
import type { Context } from './starting-model.js';

/** Counts of the records of a file, and its hash. */
export type DataSummary = Omit<EncodedFile<never>, 'examples'>;

/** A run with its data encoded and its model in memory, ready to start. Nothing has been written. */
export interface PreparedTraining {
  readonly config: ModelConfig;
  /** Metadata of the trained model: its kind, its prompt and its chat layout. */
  readonly gram: GramMetadata;
  /** The judging prompt of a model that judges. */
  readonly judgePrompt?: JudgePrompt | undefined;
  /** Names of weights that are random, where the others were loaded. */
  readonly newWeights: readonly string[];
  /** Number of parameters that are trained. */
  readonly trainedParameters: number;
  /** Numbers that the optimizer remembers of them. */
  readonly momentValues: number;
  readonly examples: number;
  /** Counts of the records of the data. */
  readonly data: DataSummary;
  /** Length of the longest example in tokens. */
  readonly longest: number;
  /** Tokens of all examples, padding left out. */
  readonly tokens: number;
  /** Examples that are held out, and how many records of it have a prompt that is trained on; undefined where nothing is. */
  readonly heldOut?: {
    readonly examples: number;
    readonly data: DataSummary;
    readonly sharedPrompts: number;
  };
  /** Optimizer steps of the whole run, and how many of them the checkpoint has behind it. */
  readonly totalSteps: number;
  readonly doneSteps: number;
  /** Records of those steps. */
  readonly history: readonly TrainingRecord[];
  /** Trains to the end; see `train` for the errors. Held-out examples are measured where `needsState` says so. */
  run(
    watch?: Pick<TrainRun<never>, 'onStep' | 'signal' | 'communicator' | 'needsState'>,
  ): Promise<TrainingState>;
  /** The trained weights, as a checkpoint saves them. */
  readonly trained: Trained;
  /** Puts the weights of a checkpoint of this run in the place of the present ones. */
  restore(checkpoint: string): Promise<void>;
  /** The model as it is now, to be saved at once; an adapter is merged into it as it is written. */
  result(): ModelToSave;
}

/**
 * Loads what a configuration names: data, tokenizer and model.
 *
 * @example
 * ```ts
 * const prepared = await prepareTraining(readTrainingConfig('preference.yaml'));
 * const state = await prepared.run();
 * ```
 *
 * @param context the checkpoint to go on from, who watches, and a signal that stops it
 * @throws EngineError `device-unavailable`, `bad-precision`; BaseError `out-of-memory` where the machine cannot hold the run; TrainError `bad-config`, `no-data`, `bad-checkpoint`; DataError, ModelError and TokenizeError of what is read
 */
export async function prepareTraining(
  config: TrainingConfig,
  context: Context = {},
): Promise<PreparedTraining> {
  const { communicator, signal, onProgress } = context;
  await checkDevice(config.device, config.precision);
  const data = await stageOf(config.stage).read(config, {
    signal,
    onDownload: (done, total) => onProgress?.('download', done, total),
  });
  const optimizer = createOptimizer(config.optimizer);
  const opened =
    config.lora === undefined
      ? await wholeStart(config, data, optimizer, context)
      : await adapterStart(config, config.lora, data, optimizer, context);
  const { tokenizer, chat, gram, judgePrompt } = opened.start;
  const { maxLength, overlong } = config;
  const encoding: EncodingContext = {
    encoding: { tokenizer, chat, maxLength, overlong, encoding: encodingOf(gram) },
    judgePrompt,
    signal,
    onProgress: (done, total) => onProgress?.('records', done, total),
    compare: async (pairs) =>
      withReference(await opened.original(), pairs, {
        ...{ device: config.device, precision: config.precision, communicator, signal },
        onProgress: (done, total) => onProgress?.('reference', done, total),
      }),
  };
  const ready = await data.encode(encoding, (split, objective) => {
    checkBatch(config, split.examples.count);
    return prepared(config, data, opened, optimizer, split, objective);
  });
  if (await computesInHostMemory(config)) checkMemory(trainingNeed(config, memorySizes(config, ready)));
  return ready;
}

function prepared<Example>(
  config: TrainingConfig,
  data: StageData,
  { start, weights, part, trained, result, restore, resume }: Start,
  optimizer: Optimizer,
  { examples, heldOut, ...file }: EncodedSplit<Example>,
  objective: Objective<Example>,
): PreparedTraining {
  const options = { ...paceOf(config.optimizer), optimizer, seed: config.seed };
  const { device, precision, gradientCheckpointing } = config;
  const sizes = {
    config: start.config,
    trainedParameters: Object.values(weights).reduce((sum, { data: { length } }) => sum + length, 0),
    momentValues: momentValues(optimizer, weights),
    ...lengthsOf(examples),
  };
  const need = trainingNeed(config, memorySizes(config, sizes));
  return {
    ...sizes,
    gram: start.gram,
    judgePrompt: start.judgePrompt,
    newWeights: start.newWeights,
    examples: examples.count,
    data: file,
    totalSteps: totalSteps({ examples: examples.count, ...options }),
    doneSteps: resume?.step ?? 0,
    history: resume?.history ?? [],
    heldOut: heldOut && summaryOf(heldOut, data.sharedPrompts),
    run: (watch) =>
      withinMemory(need, () =>
        train({
          ...{ config: start.config, weights, part, objective, examples, options },
          ...{ device, precision, gradientCheckpointing, resume },
          validation: heldOut && { examples: heldOut.examples, due: watch?.needsState ?? (() => false) },
          optimizerSharding: config.optimizer.sharding,
          identity: partsOf(config, start, heldOut !== undefined),
          ...watch,
        }),
      ),
    trained,
    restore,
    result,
  };
}

function summaryOf({ examples, ...data }: EncodedFile<unknown>, sharedPrompts: number) {
  return { examples: examples.count, data, sharedPrompts };
}

/** Parts that identify a run beside those that `train` is given. The plan of checkpoints says when held-out data is measured. */
function partsOf(
  { maxLength, overlong, checkpointEvery }: TrainingConfig,
  { tokenizer, judgePrompt, gram }: Start['start'],
  hasHeldOut: boolean,
): Fingerprint {
  return {
    tokenizer: fingerprintOf(tokenizer.json),
    prompt: fingerprintOf([judgePrompt ?? null, gram.chat, maxLength, overlong]),
    ...(hasHeldOut && { 'checkpoint plan': fingerprintOf(checkpointEvery ?? null) }),
  };
}

function paceOf(settings: TrainingConfig['optimizer']) {
  const { learningRate, schedule, batchSize, microBatchSize, epochs, warmupRatio, maxGradientNorm } =
    settings;
  return { learningRate, schedule, batchSize, microBatchSize, epochs, warmupRatio, maxGradientNorm };
}

/** A batch that the data cannot fill is a mistake: the run would be one step, with another learning rate than meant. */
function checkBatch({ optimizer: { batchSize }, data }: TrainingConfig, examples: number): void {
  if (batchSize <= examples) return;
  throw new TrainError(
    'bad-config',
    `optimizer.batchSize is ${batchSize}, and ${data.path} gives ${examples} examples`,
    `set optimizer.batchSize to ${examples} or less, or give more data`,
  );
}
