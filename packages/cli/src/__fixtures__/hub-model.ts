import { createRandom } from '@gram/base';
import { initWeights, saveModel } from '@gram/model';
import { type Tokenizer, tokenizerFromJson, trainBpe } from '@gram/tokenize';

/** ChatML, as Qwen and SmolLM2 write it. */
const chatTemplate = `{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}`;

/**
 * Saves a tiny model as the hub has them, with a chat template and no `gram.json`. Its weights are random, and its tokenizer has
 * learned from the texts.
 */
export async function saveHubModel(path: string, texts: readonly string[]): Promise<Tokenizer> {
  const specialTokens = ['<|im_start|>', '<|im_end|>', '<|endoftext|>'];
  const tokenizer = tokenizerFromJson(trainBpe({ texts, vocabSize: 512, specialTokens }));
  const config = {
    architecture: 'LlamaForCausalLM',
    vocabSize: tokenizer.vocabSize,
    hiddenSize: 32,
    intermediateSize: 48,
    numHiddenLayers: 1,
    numAttentionHeads: 4,
    numKeyValueHeads: 2,
    headDim: 8,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    maxPositionEmbeddings: 512,
    tieWordEmbeddings: true,
    eosTokenId: specialTokens.indexOf('<|im_end|>'),
    padTokenId: specialTokens.indexOf('<|endoftext|>'),
  } as const;
  const weights = initWeights(config, createRandom(3, 'hub model'), 0.1);
  await saveModel(path, { config, weights, tokenizerJson: tokenizer.json, chatTemplate });
  return tokenizer;
}
