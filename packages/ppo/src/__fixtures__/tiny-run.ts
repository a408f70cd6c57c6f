import { createRandom } from '@gram/base';
import { initWeights, type ModelConfig } from '@gram/model';
import { createChatEncoder, plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';
import type { RewardFunction } from '../rewards/reward.js';
import type { PpoRun } from '../run/run.js';
import { valueModelFrom } from '../value-model.js';

/** Bytes and special tokens only: every letter is a token. */
export const tinyTokenizer = tokenizerFromJson(
  trainBpe({ texts: ['a b'], vocabSize: 260, specialTokens: plainChat.specialTokens }),
);

export const tinyEncoder = await createChatEncoder({
  tokenizer: tinyTokenizer,
  chat: plainChat,
  maxLength: 64,
  overlong: 'error',
});

export const tinyConfig: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: tinyTokenizer.vocabSize,
  hiddenSize: 32,
  intermediateSize: 48,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-6,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 64,
  tieWordEmbeddings: false,
};

/** Prompts of different lengths. */
export const tinyPrompts = ['a', 'tell me', 'what is it?', 'go', 'the cat sat', 'yes or no', 'why', 'one, two'].map(
  (prompt, i) => ({ id: `prompt ${i}`, prompt }),
);

/** A policy with random weights, its value model, and a reward for small letters. */
export function tinyRun(
  config = tinyConfig,
): Omit<PpoRun, 'options' | 'reward'> &
  Required<Pick<PpoRun, 'value' | 'validation'>> & { readonly reward: RewardFunction } {
  const policy = {
    config,
    weights: initWeights(config, createRandom(7, 'tiny policy')),
    gram: { chat: plainChat.id, maxLength: 64 },
  };
  return {
    policy,
    value: valueModelFrom(policy),
    tokenizer: tinyTokenizer,
    encoder: tinyEncoder,
    prompts: tinyPrompts.slice(0, 4),
    validation: tinyPrompts.slice(4),
    reward: letterShare(/[a-z]/g),
  };
}

/** Pays for the share of the characters of a response that a pattern matches. */
export function letterShare(pattern: RegExp): RewardFunction {
  return (groups) =>
    groups.map(({ responses }) =>
      responses.map((text) => (text.match(pattern) ?? []).length / Math.max(1, text.length)),
    );
}
