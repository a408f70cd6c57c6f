import type { NDArray } from '@gram/engine';
import type { LlamaConfig } from './llama-config.js';

/** The weights of a model: float32 arrays under their Hugging Face names, matrices as `[out, in]`. */
export type Weights = Readonly<Record<string, NDArray<'float32'>>>;

/**
 * Name and shape of every weight of a model, in the order of the computation.
 * A tied next-token head has no weight of its own.
 */
export function weightShapes(config: LlamaConfig): Record<string, number[]> {
  const { hiddenSize, intermediateSize, vocabSize } = config;
  const queries = config.numAttentionHeads * config.headDim;
  const keys = config.numKeyValueHeads * config.headDim;
  const shapes: Record<string, number[]> = { 'model.embed_tokens.weight': [vocabSize, hiddenSize] };
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const layer = `model.layers.${i}`;
    shapes[`${layer}.input_layernorm.weight`] = [hiddenSize];
    shapes[`${layer}.self_attn.q_proj.weight`] = [queries, hiddenSize];
    shapes[`${layer}.self_attn.k_proj.weight`] = [keys, hiddenSize];
    shapes[`${layer}.self_attn.v_proj.weight`] = [keys, hiddenSize];
    shapes[`${layer}.self_attn.o_proj.weight`] = [hiddenSize, queries];
    shapes[`${layer}.post_attention_layernorm.weight`] = [hiddenSize];
    shapes[`${layer}.mlp.gate_proj.weight`] = [intermediateSize, hiddenSize];
    shapes[`${layer}.mlp.up_proj.weight`] = [intermediateSize, hiddenSize];
    shapes[`${layer}.mlp.down_proj.weight`] = [hiddenSize, intermediateSize];
  }
  shapes['model.norm.weight'] = [hiddenSize];
  if (config.architecture === 'LlamaForSequenceClassification') {
    shapes['score.weight'] = [1, hiddenSize];
  } else if (!config.tieWordEmbeddings) {
    shapes['lm_head.weight'] = [vocabSize, hiddenSize];
  }
  return shapes;
}

/** Number of parameters of a model; a tied head counts once. */
export function parameterCount(config: LlamaConfig): number {
  return Object.values(weightShapes(config)).reduce(
    (sum, shape) => sum + shape.reduce((n, dim) => n * dim, 1),
    0,
  );
}
