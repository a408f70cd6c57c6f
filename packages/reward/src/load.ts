import { loadModel } from '@gram/model';
import { createPairEncoder, judgePrompt, loadTokenizer, type Overlong, plainChat } from '@gram/tokenize';
import { createDiscriminativeRewardModel, type DiscriminativeRewardModel } from './discriminative.js';
import { RewardError } from './error.js';
import { createGenerativeRewardModel, type GenerativeRewardModel } from './generative.js';

/** Options of `loadRewardModel`. */
export interface LoadOptions {
  /** Refuse items that are too long for the model, or shorten their texts. @default 'error' */
  readonly overlong?: Overlong;
}

/**
 * Loads a reward model from a model directory: `config.json`, `model.safetensors`, `tokenizer.json` and
 * `gram.json`, which says the kind of the model and how it must be asked. `kind` of the result tells which it is.
 *
 * @throws RewardError `not-a-reward-model`, `model-mismatch`; ModelError and TokenizeError for bad files
 */
export async function loadRewardModel(
  dir: string,
  { overlong = 'error' }: LoadOptions = {},
): Promise<GenerativeRewardModel | DiscriminativeRewardModel> {
  const { config, weights, gram } = await loadModel(dir);
  if (gram === undefined) {
    throw new RewardError(
      'not-a-reward-model',
      `${dir} has no gram.json, which says how the model must be asked`,
      'Give the directory of a trained reward model; a plain language model has to be trained first.',
    );
  }
  if (gram.judgePrompt === undefined) {
    const use =
      gram.kind === 'policy'
        ? 'writes answers and does not judge them'
        : 'serves the training of a policy only';
    throw new RewardError(
      'not-a-reward-model',
      `${dir} holds a ${gram.kind} model, which ${use}`,
      'Give the directory of a generative or discriminative reward model.',
    );
  }
  if (gram.chat !== plainChat.id) {
    throw new RewardError(
      'model-mismatch',
      `${dir}: there is no chat layout ${JSON.stringify(gram.chat)}`,
      `The known layout is ${plainChat.id}; a newer version may know more.`,
    );
  }
  const tokenizer = loadTokenizer(dir);
  if (tokenizer.vocabSize > config.vocabSize) {
    throw new RewardError(
      'model-mismatch',
      `${dir}: the tokenizer has ${tokenizer.vocabSize} tokens, the model ${config.vocabSize}`,
      'Use the tokenizer.json that the model was trained with.',
    );
  }
  const encoder = await createPairEncoder({
    tokenizer,
    prompt: judgePrompt(gram.judgePrompt),
    chat: plainChat,
    maxLength: gram.maxLength,
    overlong,
  });
  const create = gram.kind === 'generative' ? createGenerativeRewardModel : createDiscriminativeRewardModel;
  return create({ config, weights, encoder });
}
