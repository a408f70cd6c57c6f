import type { ModelConfig } from '../../config/model-config.js';
import { initWeights } from '../../init.js';

/** A model that is small, but has what decoders differ in. */
export const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 23,
  hiddenSize: 24,
  intermediateSize: 40,
  numHiddenLayers: 3,
  numAttentionHeads: 6,
  numKeyValueHeads: 2,
  // The width for which attention is one operator.
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 64,
  // A tied head would only repeat the last token.
  tieWordEmbeddings: false,
};

/** Random numbers that are the same each time. */
export function stream(seed: number) {
  let state = seed;
  return {
    uniform: () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    },
  };
}
const { uniform } = stream(99);
const normal = () => 8 * (uniform() + uniform() + uniform() - 1.5);
export const weights = initWeights(config, { normal });
/** A text of random tokens. */
export const ids = (length: number) => Array.from({ length }, () => Math.floor(uniform() * config.vocabSize));
/** Of unequal lengths. */
export const prompts = [3, 1, 12, 7, 17, 5, 9, 2].map(ids);

