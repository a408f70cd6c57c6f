import { createRandom, createWorld } from '@gram/data';
import { initWeights, type LlamaConfig } from '@gram/model';
import { createPairEncoder, judgePrompt, plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';
import { encodePreferences, preference, train } from './index.js';

const world = createWorld({ seed: 1 });
const { specialTokens } = plainChat;
const tokenizer = tokenizerFromJson(trainBpe({ texts: world.corpus(200), vocabSize: 600, specialTokens }));
const prompt = judgePrompt('gram-compact-1');
const encoder = await createPairEncoder({
  tokenizer,
  prompt,
  chat: plainChat,
  maxLength: 512,
  overlong: 'error',
});
const config: LlamaConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: tokenizer.vocabSize,
  hiddenSize: 32,
  intermediateSize: 64,
  numHiddenLayers: 1,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 512,
  tieWordEmbeddings: true,
};
const weights = initWeights(config, createRandom(1, 'weights'));
const { examples } = await encodePreferences(encoder, world.labeledPairs(64), 1);
const { history } = await train({
  config,
  weights, // updated in place
  objective: preference({ labels: encoder.labelIds }),
  examples,
  options: { learningRate: 3e-3, batchSize: 8 },
});
console.log(history.at(-1)); // { step: 8, loss, accuracy, gradientNorm, learningRate, tokens }
