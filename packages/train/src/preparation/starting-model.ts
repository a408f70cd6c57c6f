import { checkMemory, createRandom, type Random } from '@gram/base';
import { float32 } from '@gram/engine';
import {
  configToJson,
  initWeights,
  kindOf,
  loadModel,
  type ModelConfig,
  parseConfig,
  SCRATCH_FAMILY,
  trainingMemory,
  type Weights,
  weightShapes,
} from '@gram/model';
import { plainChat, type Tokenizer, tokenizerFromJson, trainBpeAsync } from '@gram/tokenize';
import type { Communicator } from '../distributed/communicator.js';
import { TrainError } from '../error.js';
import type { ScratchConfig, TrainingConfig } from '../settings/schema.js';
import type { StageData } from '../stages/stage.js';
import { stageOf } from '../stages/table.js';
import { metadata, type Prompting, promptingOf } from './prompting.js';

/** The model that a run starts from, with what belongs to it. */
export interface StartingModel extends Prompting {
  readonly config: ModelConfig;
  /** Weights that are trained in place. */
  readonly weights: Weights;
  /** Names of weights that are random, where the others were loaded. */
  readonly newWeights: readonly string[];
}

/**
 * Called now and then while a run is prepared: with the bytes of its data that were fetched, the merges that its tokenizer
 * learned, the records that were encoded, or the pairs that the reference of a policy has measured.
 */
export type PreparationProgress = (
  work: 'download' | 'tokenizer' | 'records' | 'reference',
  done: number,
  total: number,
) => void;

/** Options of loading: the checkpoint that the run goes on from, who watches and helps, and a signal that stops it. */
export interface Context {
  readonly checkpoint?: string | undefined;
  readonly onProgress?: PreparationProgress | undefined;
  /** Ranks that share work which takes long; all prepare the same run. @default singleProcess */
  readonly communicator?: Communicator | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Refuses a new model whose training this machine cannot hold, before its weights are drawn one by one. */
function checkFits(model: ModelConfig): void {
  const { weights, gradients, moments } = trainingMemory(model);
  checkMemory({
    work: 'training this model',
    bytes: weights + gradients + moments,
    hint: 'lower hiddenSize, intermediateSize, numHiddenLayers or vocabSize of init.scratch',
  });
}

/** Standard deviation of a new reward head, that of every other matrix in `initWeights`. */
const headDeviation = 0.02;

/**
 * The model that a configuration starts from: loaded and given the head that the stage needs, or new.
 *
 * @throws TrainError `bad-config` when model, tokenizer and configuration do not fit together; the errors of `loadModel`
 *   and of `chatLayoutOf`
 */
export async function startingModel(
  config: TrainingConfig,
  data: StageData,
  { signal, onProgress }: Context = {},
): Promise<StartingModel> {
  const { init, seed } = config;
  if (init.scratch !== undefined) {
    const tokenizer = tokenizerFromJson(
      await trainBpeAsync({
        texts: data.texts(),
        vocabSize: init.scratch.vocabSize,
        specialTokens: plainChat.specialTokens,
        signal,
        onProgress: (done, total) => onProgress?.('tokenizer', done, total),
      }),
    );
    const model = scratchConfig(init.scratch, tokenizer, config);
    checkFits(model);
    const weights = initWeights(model, createRandom(seed, 'weights'));
    return {
      config: model,
      weights,
      tokenizer,
      chat: plainChat,
      companions: { tokenizerJson: tokenizer.json },
      ...(await metadata(config, plainChat, undefined)),
      newWeights: [],
    };
  }
  const directory = modelOf(config);
  const loaded = await loadModel(directory, { signal });
  return {
    ...withStageHead(loaded.config, loaded.weights, config, directory, createRandom(seed, 'head')),
    ...(await promptingOf(config, loaded, directory)),
  };
}

/**
 * The model that a configuration names.
 *
 * @throws {TrainError} `bad-config` when it names none
 */
export function modelOf({ init }: Pick<TrainingConfig, 'init'>): string {
  if (init.model !== undefined) return init.model;
  throw new TrainError('bad-config', 'init.model is missing', 'name the model to start from');
}

function scratchConfig(
  { numKeyValueHeads, vocabSize: _, ...scratch }: ScratchConfig,
  tokenizer: Tokenizer,
  training: TrainingConfig,
): ModelConfig {
  const { hiddenSize, numAttentionHeads: heads } = scratch;
  if (hiddenSize % (2 * heads) !== 0) {
    throw new TrainError(
      'bad-config',
      `init.scratch.hiddenSize is ${hiddenSize}, which ${heads} heads cannot share in even parts`,
      `make it a multiple of ${2 * heads}`,
    );
  }
  if (numKeyValueHeads !== undefined && heads % numKeyValueHeads !== 0) {
    throw new TrainError(
      'bad-config',
      `init.scratch.numKeyValueHeads is ${numKeyValueHeads}, which does not divide the ${heads} heads`,
      'make numAttentionHeads a multiple of it',
    );
  }
  const config: ModelConfig = {
    architecture: `${SCRATCH_FAMILY}ForCausalLM`,
    ...scratch,
    vocabSize: tokenizer.vocabSize,
    numKeyValueHeads: numKeyValueHeads ?? heads,
    headDim: hiddenSize / heads,
    eosTokenId: tokenizer.tokenId(plainChat.end),
    padTokenId: tokenizer.tokenId(plainChat.pad),
  };
  // As it will be read back from a checkpoint, for a resumed run is recognized by its config.
  return parseConfig(configToJson(headOf(config, training)), 'init.scratch');
}

/** Keeps the decoder and puts a reward head in the place of the next-token head where the stage wants one. */
function withStageHead(
  config: ModelConfig,
  weights: Weights,
  training: TrainingConfig,
  directory: string,
  random: Random,
): Pick<StartingModel, 'config' | 'weights' | 'newWeights'> {
  const scores = kindOf(config).head === 'score';
  const refuse = (problem: string, hint: string) =>
    new TrainError('bad-config', `the model in ${directory} ${problem}`, hint);
  const wanted = headOf(config, training);
  if (kindOf(wanted).head !== 'score') {
    if (!scores) return { config, weights, newWeights: [] };
    throw refuse(
      `gives a score and has no next-token head, which the stage ${training.stage} needs`,
      'start from a language model',
    );
  }
  if (scores) {
    const same = ['scoreHead', 'keepsLanguageHead'] as const;
    if (same.every((key) => JSON.stringify(wanted[key]) === JSON.stringify(config[key]))) {
      return { config, weights, newWeights: [] };
    }
    throw refuse('has another score head than the configuration asks for', 'start from a language model');
  }
  const newWeights: string[] = [];
  const all = Object.entries(weightShapes(wanted)).map(([name, shape]) => {
    const loaded = weights[name];
    if (loaded !== undefined) return [name, loaded] as const;
    newWeights.push(name);
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    const draw = name.endsWith('.bias') ? () => 0 : () => headDeviation * random.normal();
    return [name, float32(shape, Float32Array.from({ length: size }, draw))] as const;
  });
  return { config: wanted, weights: Object.fromEntries(all), newWeights };
}

/** The decoder with the heads that the stage needs. */
function headOf(config: ModelConfig, training: TrainingConfig): ModelConfig {
  return stageOf(training.stage).head(config, training);
}
