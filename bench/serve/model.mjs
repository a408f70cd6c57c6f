import { createRandom } from '@gram/base';
import { initWeights } from '@gram/model';
import { createGenerativeRewardModel } from '@gram/reward';
import { createPairEncoder, judgePrompt, plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';

const words = 'the cat sat on a mat and that dog ran to its log where it was warm but not very dry'.split(
  ' ',
);

/** Makes a generative model with random weights: the same in every process. */
export async function createModel() {
  const config = {
    architecture: 'LlamaForCausalLM',
    vocabSize: 300,
    hiddenSize: 64,
    intermediateSize: 96,
    numHiddenLayers: 2,
    numAttentionHeads: 4,
    numKeyValueHeads: 2,
    headDim: 16,
    rmsNormEps: 1e-6,
    ropeTheta: 10_000,
    maxPositionEmbeddings: 256,
    tieWordEmbeddings: false,
  };
  const tokenizer = tokenizerFromJson(
    trainBpe({ texts: [words.join(' ')], vocabSize: 300, specialTokens: plainChat.specialTokens }),
  );
  const encoder = await createPairEncoder({
    tokenizer,
    prompt: judgePrompt('gram-compact-1'),
    chat: plainChat,
    maxLength: 256,
    overlong: 'error',
  });
  const random = createRandom(7, 'served model');
  // Larger than those of a new model: its preferences are strong, and no two items get the same answer.
  const weights = initWeights(config, { normal: () => 6 * random.normal() });
  return createGenerativeRewardModel({ config, weights, encoder });
}

/** Makes pairs of different lengths: the same in every process. */
export function makeItems(count) {
  const random = createRandom(7, 'served items');
  const text = (most) =>
    Array.from(
      { length: 1 + Math.floor(random.uniform() * most) },
      () => words[Math.floor(random.uniform() * words.length)],
    ).join(' ');
  return Array.from({ length: count }, () => ({ prompt: text(8), a: text(12), b: text(12) }));
}
