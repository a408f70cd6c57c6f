// The small model whose files are mutated: one layer, random weights, a byte-level tokenizer.
import { initWeights, parseConfig } from '@gram/model';
import { plainChat, trainBpe } from '@gram/tokenize';

const TEXTS = ['What is 2 + 2? It is 4.', 'Name a prime. 7 is one, and nine is none.', 'Name a color. Red.'];

export const pairs = Array.from({ length: 20 }, (_, at) => ({
  id: `pair-${at}`,
  prompt: `What is ${at} + ${at}?`,
  chosen: `It is ${2 * at}.`,
  rejected: `About ${3 * at + 1}, I think.`,
}));

export const tokenizer = trainBpe({ texts: TEXTS, vocabSize: 300, specialTokens: plainChat.specialTokens });

export const config = parseConfig(
  {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    vocab_size: 320,
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    max_position_embeddings: 512,
    tie_word_embeddings: true,
    rope_theta: 10000,
    rms_norm_eps: 1e-5,
  },
  'the model of the reliability suite',
);

/** Deterministic numbers, so that every process has the same model. */
export function drawn() {
  let count = 0;
  return { normal: () => Math.sin(count++ * 12.9898), uniform: () => (Math.sin(count++ * 78.233) + 1) / 2 };
}

export const weights = initWeights(config, drawn());

/** Names, shapes and exact bytes of arrays, as text. */
export function describeArrays(arrays) {
  return Object.entries(arrays)
    .map(([name, { shape, data }]) => `${name} [${shape}] ${hashOf(data)}`)
    .join('\n');
}

/** FNV-1a over the bytes: enough to tell two arrays apart, and quick. */
function hashOf({ buffer, byteOffset, byteLength }) {
  let hash = 0x811c9dc5;
  for (const byte of new Uint8Array(buffer, byteOffset, byteLength))
    hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
}
