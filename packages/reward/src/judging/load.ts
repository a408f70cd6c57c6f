import { type DeviceName, fastestDevice, type Precision, place } from '@gram/engine';
import {
  type Adapter,
  type Companions,
  decoderHash,
  type FixedWeights,
  type GramMetadata,
  inspectModel,
  loadAdapter,
  type ModelConfig,
  openModel,
  type ResolveOptions,
  readCompanions,
  resolveModel,
  type WeightPrecision,
  type Weights,
} from '@gram/model';
import { RewardError } from '@gram/ranking';
import {
  type ChatEncoder,
  chatLayoutOf,
  createChatEncoder,
  createPairEncoder,
  type JudgePrompt,
  type Overlong,
  prepareRendering,
  type Tokenizer,
  tokenizerOf,
} from '@gram/tokenize';
import { createDiscriminativeRewardModel, type DiscriminativeRewardModel } from './discriminative.js';
import { judgeFormat } from './format.js';
import { createGenerativeRewardModel, type GenerativeRewardModel } from './generative.js';

/** Options of `loadRewardModel`. */
export interface LoadOptions extends ResolveOptions {
  /** Treatment of items that are too long for the model: an error, or their texts are cut. @default 'error' */
  readonly overlong?: Overlong;
  /**
   * The judging prompt of a language model that has no `gram.json`, such as the models that the authors of GRAM released, or the
   * id of one. The layout of turns is then that of its chat template. A model with a score head is asked without one.
   */
  readonly judgePrompt?: JudgePrompt | string;
  /** Whether markers of the judging prompt stay in texts as they are, for parity with other implementations. @default false */
  readonly raw?: boolean;
  /** Storage of the matrices of the layers; integers round them. @default 'float32' */
  readonly precision?: WeightPrecision | undefined;
  /**
   * Precision of matrix products, where the device has it: `cuda` has `tf32`, `bfloat16` and `float16`. @default 'float32'
   */
  readonly products?: Precision | undefined;
  /** Device that computes; `auto` is a GPU where one multiplies at least twice as fast as the CPU. @default 'cpu' */
  readonly device?: DeviceName | 'auto' | undefined;
  /**
   * Whether the CPU packs float32 weights before the first comparison. It takes 0.3 s for 135 million, and halves the time of runs of few
   * tokens. False is for a process that judges a single pair, whose probability then differs in the sixth digit. Integers are always
   * packed. @default true
   */
  readonly prepack?: boolean | undefined;
  /** Number of orders of a generative model, see `GenerativeOptions`. @default 2 */
  readonly orders?: 1 | 2 | undefined;
  /** Bound of a generative model, see `GenerativeOptions`. @default every pair is judged in both orders */
  readonly positionBiasBound?: number | undefined;
  /** Whether a generative model gives the scores of the paper as well, see `GenerativeOptions`. @default false */
  readonly vocabularyScores?: boolean | undefined;
}

/** A model in memory that adapters of it share. */
export interface SharedBase {
  readonly config: ModelConfig;
  readonly weights: Weights;
  /** The files beside it, of which an adapter may have its own. */
  readonly files: Companions;
}

/** Number of results that a loaded model keeps: its weights never change. A sequence takes about 4 bytes a token. */
const CACHED_RESULTS = 4096;

/**
 * Loads a reward model: a model directory with a `tokenizer.json`, and a `gram.json` that says the kind of the model and how
 * it must be asked; or any causal language model with a chat template, given a judging prompt; or any model with a score head
 * and a chat template. `kind` of the result tells which it is.
 *
 * @example
 * const model = await loadRewardModel('runs/judge/model');
 * const [result] = await model.compare([{ prompt: 'What is 2 + 2?', a: '4', b: 'About 5.' }]);
 *
 * @param pathOrRepo as for `loadModel`
 * @throws RewardError `not-a-reward-model`, `no-judge-prompt`, `model-mismatch`; ModelError `bad-weights` for matrices that
 *   the precision cannot hold; ModelError and TokenizeError for bad files; EngineError `device-unavailable`; the reason of
 *   `signal`
 */
export async function loadRewardModel(
  pathOrRepo: string,
  {
    overlong = 'error',
    raw,
    precision,
    products,
    prepack,
    device: wanted = 'cpu',
    orders,
    positionBiasBound,
    vocabularyScores,
    judgePrompt: prompt,
    ...resolving
  }: LoadOptions = {},
): Promise<GenerativeRewardModel | DiscriminativeRewardModel> {
  const device = wanted === 'auto' ? await fastestDevice() : wanted;
  // Starts it: a device that does not work is refused before anything is fetched, and not at the first comparison.
  await place({}, device);
  const path = await resolveModel(pathOrRepo, resolving);
  // Everything that is small comes first: what does not fit is refused before any weight is read.
  const { config, gram } = await inspectModel(path);
  const files = await readCompanions(path);
  const open = async () => (await openModel(path, { precision, onNote: resolving.onNote })).weights;
  return createJudge(
    { config, gram, files, open, source: pathOrRepo },
    { overlong, raw, prompt },
    { precision, products, prepack, device, orders, positionBiasBound, vocabularyScores },
  );
}

/**
 * Loads a reward model that is an adapter of a model in memory, whose weights it shares: in memory comes only the adapter.
 *
 * @param path directory of the adapter, in the files of PEFT
 * @throws RewardError `model-mismatch` where the adapter was trained over other weights; otherwise as `loadRewardModel`, and ModelError
 *   `bad-adapter`
 */
export async function loadRewardAdapter(
  path: string,
  base: SharedBase,
  {
    overlong = 'error',
    judgePrompt: prompt,
    device = 'cpu',
  }: Pick<LoadOptions, 'overlong' | 'judgePrompt' | 'device'> = {},
): Promise<GenerativeRewardModel | DiscriminativeRewardModel> {
  const loaded = await loadAdapter(path, base.config);
  if (loaded.base !== undefined && loaded.base !== decoderHash(base.weights)) {
    throw new RewardError(
      'model-mismatch',
      `the adapter in ${path} was trained over other weights than those that it would share`,
      'merge it into its own base, for example with gram merge, and load the merged model',
    );
  }
  const { config, gram, lora, weights } = loaded;
  const files = { ...base.files, ...loaded.files };
  const open = async () => base.weights;
  return createJudge(
    { config, gram, files, open, source: path },
    { overlong, prompt },
    { adapter: { lora, weights }, device: device === 'auto' ? await fastestDevice() : device },
  );
}

/** A reward model of which the weights are not open yet. */
interface StoredJudge {
  readonly config: ModelConfig;
  readonly gram: GramMetadata | undefined;
  readonly files: Companions;
  open(): Promise<FixedWeights>;
  /** Names it in errors. */
  readonly source: string;
}

/** Everything that is small comes first: what does not fit is refused before any weight is read. */
async function createJudge(
  { config, gram, files, open, source }: StoredJudge,
  {
    overlong,
    raw,
    prompt,
  }: Pick<LoadOptions, 'raw'> & {
    readonly overlong: Overlong;
    readonly prompt: LoadOptions['judgePrompt'];
  },
  {
    orders,
    positionBiasBound,
    vocabularyScores,
    ...computing
  }: Pick<
    LoadOptions,
    'precision' | 'products' | 'prepack' | 'orders' | 'positionBiasBound' | 'vocabularyScores'
  > & {
    readonly device?: DeviceName;
    readonly adapter?: Adapter;
  },
): Promise<GenerativeRewardModel | DiscriminativeRewardModel> {
  const format = judgeFormat({ config, gram }, prompt, source);
  // It starts while this process reads the tokenizer.
  if (format.chat === undefined) prepareRendering();
  const tokenizer = tokenizerOf(files, source);
  checkVocabulary(config, tokenizer, source);
  const chat = await chatLayoutOf(files, tokenizer, source, format.chat);
  const { maxLength, encoding } = format;
  const asked = { tokenizer, chat, maxLength, overlong, encoding };
  const stored = async () => ({ config, weights: await open(), ...computing, cacheEntries: CACHED_RESULTS });
  if (format.kind === 'generative') {
    const encoder = await createPairEncoder({ ...asked, prompt: format.prompt, raw });
    const judging = { orders, positionBiasBound, vocabularyScores };
    return createGenerativeRewardModel({ ...(await stored()), encoder, ...judging });
  }
  const encoder = await createChatEncoder(asked);
  const { reads } = format;
  const responses = reads === 'finished' ? scoredPart(encoder, config) : encoder.responses;
  return createDiscriminativeRewardModel({ ...(await stored()), encoder: { responses } });
}

/**
 * Encodes what a model of others reads before its score. transformers scores the last token that is not padding, and models that
 * are padded with the token that ends a turn, as those of Mistral are, were trained on the token before it.
 */
function scoredPart({ finished }: ChatEncoder, { padTokenId }: ModelConfig): ChatEncoder['finished'] {
  return async (record) =>
    (await finished(record)).map(({ ids, ...flags }) => {
      const last = ids.findLastIndex((id) => id !== padTokenId);
      return { ids: ids.slice(0, last + 1), ...flags };
    });
}

function checkVocabulary({ vocabSize }: ModelConfig, tokenizer: Tokenizer, source: string): void {
  if (tokenizer.vocabSize <= vocabSize) return;
  throw new RewardError(
    'model-mismatch',
    `${source}: the tokenizer has ${tokenizer.vocabSize} tokens, the model ${vocabSize}`,
    'use the tokenizer.json that the model was trained with',
  );
}
