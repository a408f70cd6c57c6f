import { createRandom, type Random } from '@gram/base';
import { float32 } from '@gram/engine';
import {
  type Companions,
  configToJson,
  type GramMetadata,
  initWeights,
  kindOf,
  type LoadedModel,
  loadModel,
  longestSequence,
  type ModelConfig,
  parseConfig,
  readCompanions,
  SCRATCH_FAMILY,
  sharedLength,
  type Weights,
  weightShapes,
} from '@gram/model';
import {
  type ChatLayout,
  chatLayoutOf,
  plainChat,
  type Tokenizer,
  tokenizerFromJson,
  tokenizerOf,
  trainBpe,
} from '@gram/tokenize';
import { TrainError } from '../error.js';
import type { ScratchConfig, TrainingConfig } from '../settings/schema.js';
import type { StageData } from '../stages/stage.js';
import { stageOf } from '../stages/table.js';

/** The model that a run starts from, with what belongs to it. */
export interface StartingModel {
  readonly config: ModelConfig;
  /** Weights that are trained in place. */
  readonly weights: Weights;
  readonly tokenizer: Tokenizer;
  readonly chat: ChatLayout;
  /** The files that stand beside the weights, `tokenizer.json` included. */
  readonly companions: Companions & { readonly tokenizerJson: string };
  /** Metadata of the trained model: its kind, its prompt and its chat layout. */
  readonly gram: GramMetadata;
  /** Names of weights that are random, where the others were loaded. */
  readonly newWeights: readonly string[];
}

/** A small model of gram has little room for a template; a released one understands a full instruction. */
const defaultPrompts = { gram: 'gram-compact-1', released: 'gram-eval-1' };
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
  signal?: AbortSignal,
): Promise<StartingModel> {
  const { init, seed } = config;
  if (init.scratch !== undefined) {
    const tokenizer = tokenizerFromJson(
      trainBpe({
        texts: data.texts(),
        vocabSize: init.scratch.vocabSize,
        specialTokens: plainChat.specialTokens,
      }),
    );
    const model = scratchConfig(init.scratch, tokenizer, config);
    const weights = initWeights(model, createRandom(seed, 'weights'));
    return {
      config: model,
      weights,
      tokenizer,
      chat: plainChat,
      companions: { tokenizerJson: tokenizer.json },
      gram: metadata(config, plainChat, undefined),
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

/** Reads what a loaded model is prompted with: its tokenizer, its chat layout and the metadata of the trained model. */
export async function promptingOf(
  config: TrainingConfig,
  { config: model, gram, path }: LoadedModel,
  directory: string,
): Promise<Pick<StartingModel, 'tokenizer' | 'chat' | 'companions' | 'gram'>> {
  const files = await readCompanions(path);
  const tokenizer = tokenizerOf(files, directory);
  checkFit(config, model, tokenizer, directory);
  const wanted = config.init.chat ?? gram?.chat;
  const chat = await chatLayoutOf(files, tokenizer, directory, wanted === 'template' ? undefined : wanted);
  const companions = { ...files, tokenizerJson: tokenizer.json };
  return { tokenizer, chat, companions, gram: metadata(config, chat, gram) };
}

/**
 * Makes the metadata (`gram.json`) of the trained model.
 *
 * @param before what it said of the model that the run starts from or goes on with
 */
export function metadata(
  config: TrainingConfig,
  chat: ChatLayout,
  before: GramMetadata | undefined,
): GramMetadata {
  const { stage, init, maxLength, labelSmoothing, smoothingConvention } = config;
  const training: GramMetadata['training'] =
    labelSmoothing === undefined ? { stage } : { stage, labelSmoothing, smoothingConvention };
  const { kind } = stageOf(stage);
  const common = { format: 1, chat: chat.id, maxLength, training } as const;
  if (kind === 'policy') return { ...common, kind };
  const origin = init.model !== undefined && before === undefined ? 'released' : 'gram';
  const judgePrompt = init.judgePrompt ?? before?.judgePrompt ?? defaultPrompts[origin];
  return { ...common, kind, judgePrompt };
}

/** Checks what `config` says against the model in a directory. */
export function checkFit(
  { maxLength }: TrainingConfig,
  model: ModelConfig,
  tokenizer: Tokenizer,
  directory: string,
): void {
  // The positions of longer sequences turn by the length to which a batch happens to be padded.
  const longest = Math.min(longestSequence(model), sharedLength(model));
  if (maxLength > longest) {
    throw new TrainError(
      'bad-config',
      `maxLength is ${maxLength}, and the model in ${directory} is made for ${longest} tokens`,
      `set maxLength to ${longest} or less`,
    );
  }
  if (tokenizer.vocabSize > model.vocabSize) {
    throw new TrainError(
      'bad-config',
      `the tokenizer in ${directory} has ${tokenizer.vocabSize} tokens and the model ${model.vocabSize}`,
      'use the tokenizer that belongs to the model',
    );
  }
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
