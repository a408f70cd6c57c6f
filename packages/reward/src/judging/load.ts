import { type DeviceName, fastestDevice, place } from '@gram/engine';
import {
  inspectModel,
  kindOf,
  loadModel,
  longestSequence,
  type ModelInfo,
  type ResolveOptions,
  readCompanions,
  resolveModel,
  type WeightPrecision,
} from '@gram/model';
import { RewardError } from '@gram/ranking';
import {
  chatLayoutOf,
  createPairEncoder,
  type JudgePrompt,
  judgePrompt,
  type Overlong,
  type Tokenizer,
  tokenizerOf,
} from '@gram/tokenize';
import { createDiscriminativeRewardModel, type DiscriminativeRewardModel } from './discriminative.js';
import { createGenerativeRewardModel, type GenerativeRewardModel } from './generative.js';

/** Options of `loadRewardModel`. */
export interface LoadOptions extends ResolveOptions {
  /** Refuse items that are too long for the model, or shorten their texts. @default 'error' */
  readonly overlong?: Overlong;
  /**
   * How to ask a model that has no `gram.json`, such as the models that the authors of GRAM released: a judging prompt, or
   * the id of one. The layout of turns is then that of its chat template.
   */
  readonly judgePrompt?: JudgePrompt | string;
  /** Leave markers of the judging prompt in texts as they are, for parity with other implementations. @default false */
  readonly raw?: boolean;
  /** How the matrices of the layers are kept; integers round them. @default 'float32' */
  readonly precision?: WeightPrecision | undefined;
  /** Where to compute; `auto` is a GPU where one multiplies at least twice as fast as the CPU. @default 'cpu' */
  readonly device?: DeviceName | 'auto' | undefined;
  /** Of a generative model, see `GenerativeOptions`. @default 2 */
  readonly orders?: 1 | 2 | undefined;
  /** Of a generative model, see `GenerativeOptions`. @default every pair is judged in both orders */
  readonly positionBiasBound?: number | undefined;
}

/** How a model is asked. */
interface Asked {
  readonly kind: 'generative' | 'discriminative';
  readonly prompt: JudgePrompt;
  /** Undefined: as the chat template of the model says. */
  readonly chat: string | undefined;
  readonly maxLength: number;
}

/** Results that a loaded model keeps: its weights never change. A sequence takes about 4 bytes a token. */
const CACHED_RESULTS = 4096;

/** Longest input of a model that does not say what it was trained with. */
const DEFAULT_LENGTH = 4096;

/**
 * Loads a reward model: a model directory with a `tokenizer.json`, and a `gram.json` that says the kind of the model and how
 * it must be asked; or any causal language model with a chat template, given a judging prompt. `kind` of the result tells
 * which it is.
 *
 * @param pathOrRepo as for `loadModel`
 * @throws RewardError `not-a-reward-model`, `no-judge-prompt`, `model-mismatch`; ModelError `bad-weights` for matrices that
 *   the precision can not hold; ModelError and TokenizeError for bad files; EngineError `device-unavailable`; the reason of
 *   `signal`
 */
export async function loadRewardModel(
  pathOrRepo: string,
  {
    overlong = 'error',
    raw,
    precision,
    device: wanted = 'cpu',
    orders,
    positionBiasBound,
    judgePrompt: prompt,
    ...resolving
  }: LoadOptions = {},
): Promise<GenerativeRewardModel | DiscriminativeRewardModel> {
  const device = wanted === 'auto' ? await fastestDevice() : wanted;
  // Starts it: a device that does not work is refused before anything is fetched, and not at the first comparison.
  await place({}, device);
  const path = await resolveModel(pathOrRepo, resolving);
  // Everything that is small comes first: what does not fit is refused before any weight is read.
  const model = await inspectModel(path);
  const asked = howToAsk(model, prompt, pathOrRepo);
  const files = await readCompanions(path);
  const tokenizer = tokenizerOf(files, pathOrRepo);
  checkVocabulary(model, tokenizer, pathOrRepo);
  const chat = await chatLayoutOf(files, tokenizer, pathOrRepo, asked.chat);
  const { maxLength } = asked;
  const encoder = await createPairEncoder({
    tokenizer,
    prompt: asked.prompt,
    chat,
    maxLength,
    overlong,
    raw,
  });
  const { config, weights } = await loadModel(path);
  const made = { config, weights, encoder, precision, device, cacheEntries: CACHED_RESULTS };
  return asked.kind === 'generative'
    ? createGenerativeRewardModel({ ...made, orders, positionBiasBound })
    : createDiscriminativeRewardModel(made);
}

function howToAsk(
  { config, gram }: ModelInfo,
  given: JudgePrompt | string | undefined,
  source: string,
): Asked {
  const prompt = typeof given === 'string' ? judgePrompt(given) : given;
  if (gram?.judgePrompt !== undefined) {
    const { kind, chat, maxLength } = gram;
    return { kind, chat, maxLength, prompt: prompt ?? judgePrompt(gram.judgePrompt) };
  }
  if (gram !== undefined) {
    const use =
      gram.kind === 'policy'
        ? 'writes answers and does not judge them'
        : 'serves the training of a policy only';
    throw new RewardError(
      'not-a-reward-model',
      `${source} holds a ${gram.kind} model, which ${use}`,
      'Give the directory of a generative or discriminative reward model.',
    );
  }
  if (prompt === undefined) {
    throw new RewardError(
      'no-judge-prompt',
      `${source} has no gram.json, which says how the model must be asked`,
      'Train a reward model from it, or say how to ask it, for example with judgePrompt: "gram-eval-1".',
    );
  }
  const maxLength = Math.min(longestSequence(config), DEFAULT_LENGTH);
  const kind = kindOf(config).head === 'score' ? 'discriminative' : 'generative';
  return { kind, prompt, chat: undefined, maxLength };
}

function checkVocabulary({ config }: ModelInfo, tokenizer: Tokenizer, source: string): void {
  if (tokenizer.vocabSize <= config.vocabSize) return;
  throw new RewardError(
    'model-mismatch',
    `${source}: the tokenizer has ${tokenizer.vocabSize} tokens, the model ${config.vocabSize}`,
    'Use the tokenizer.json that the model was trained with.',
  );
}
