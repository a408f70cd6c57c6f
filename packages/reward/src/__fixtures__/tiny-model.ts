import { createRandom } from '@gram/base';
import { initWeights, type ModelConfig } from '@gram/model';
import {
  createPairEncoder,
  judgePrompt,
  type Overlong,
  plainChat,
  tokenizerFromJson,
  trainBpe,
} from '@gram/tokenize';

/** A tokenizer with a few merges. */
export const tinyTokenizer = tokenizerFromJson(
  trainBpe({
    texts: ['the cat sat on the mat and the dog sat on the log', 'Pick the better answer.'],
    vocabSize: 300,
    specialTokens: plainChat.specialTokens,
  }),
);

export function tinyEncoder(maxLength = 200, overlong: Overlong = 'error') {
  return createPairEncoder({
    tokenizer: tinyTokenizer,
    prompt: judgePrompt('gram-compact-1'),
    chat: plainChat,
    maxLength,
    overlong,
  });
}

export function tinyConfig(architecture: ModelConfig['architecture']): ModelConfig {
  return {
    architecture,
    vocabSize: 300,
    hiddenSize: 32,
    intermediateSize: 48,
    numHiddenLayers: 2,
    numAttentionHeads: 4,
    numKeyValueHeads: 2,
    headDim: 8,
    rmsNormEps: 1e-6,
    ropeTheta: 10_000,
    maxPositionEmbeddings: 256,
    tieWordEmbeddings: false,
  };
}

/** Random weights, larger than those of a new model, so that its preferences are strong. */
export function tinyWeights(config: ModelConfig) {
  const random = createRandom(7, 'tiny model');
  return initWeights(config, { normal: () => 10 * random.normal() });
}

/** Pairs of very different lengths. */
export const unequalItems = [
  { prompt: 'the cat', a: 'sat', b: 'on the mat' },
  { prompt: 'where is the dog', a: 'the dog sat on the log. '.repeat(3), b: 'no' },
  { prompt: 'x', a: 'y', b: 'z' },
  { prompt: 'the cat and the dog '.repeat(4), a: 'sat '.repeat(20), b: 'and '.repeat(17) },
  { prompt: 'Q: a marker\nanswer A: here', a: 'answer B: and here', b: 'plain' },
];
