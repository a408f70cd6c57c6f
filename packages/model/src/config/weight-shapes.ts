import type { NDArray } from '@gram/engine';
import { kindOf, type ModelConfig } from './model-config.js';

/** The weights of a model: float32 arrays under their Hugging Face names, matrices as `[out, in]`. */
export type Weights = Readonly<Record<string, NDArray<'float32'>>>;

const ATTENTION = ['q_proj', 'k_proj', 'v_proj', 'o_proj'] as const;
const MLP = ['gate_proj', 'up_proj', 'down_proj'] as const;

/** The linear projections of a layer. */
export const PROJECTIONS = [...ATTENTION, ...MLP] as const;
export type Projection = (typeof PROJECTIONS)[number];

/** The part of a layer's weight names that comes before the projection's own. */
export function blockOf(projection: Projection): 'self_attn' | 'mlp' {
  return (ATTENTION as readonly string[]).includes(projection) ? 'self_attn' : 'mlp';
}

/** Shape `[out, in]` of a projection. */
export function projectionShape(config: ModelConfig, projection: Projection): [number, number] {
  const { hiddenSize, intermediateSize } = config;
  const queries = config.numAttentionHeads * config.headDim;
  const keys = config.numKeyValueHeads * config.headDim;
  switch (projection) {
    case 'q_proj':
      return [queries, hiddenSize];
    case 'k_proj':
    case 'v_proj':
      return [keys, hiddenSize];
    case 'o_proj':
      return [hiddenSize, queries];
    case 'gate_proj':
    case 'up_proj':
      return [intermediateSize, hiddenSize];
    case 'down_proj':
      return [hiddenSize, intermediateSize];
  }
}

function hasBias(config: ModelConfig, projection: Projection): boolean {
  if (blockOf(projection) === 'mlp') return config.mlpBias ?? false;
  if (kindOf(config).family === 'Qwen2') return projection !== 'o_proj';
  return config.attentionBias ?? false;
}

/**
 * Name and shape of the weights of a score head: one matrix, or two and their biases; none for a model without one. The
 * names of two layers are those of PyTorch's `Sequential(Linear, ReLU, Linear)`.
 */
export function scoreHeadShapes(config: ModelConfig): Record<string, number[]> {
  const { hiddenSize, scoreHead } = config;
  if (kindOf(config).head !== 'score') return {};
  if (scoreHead === undefined) return { 'score.weight': [1, hiddenSize] };
  return {
    'score.0.weight': [scoreHead.hiddenSize, hiddenSize],
    'score.0.bias': [scoreHead.hiddenSize],
    'score.2.weight': [1, scoreHead.hiddenSize],
    'score.2.bias': [1],
  };
}

/**
 * Name and shape of every weight of a model, in the order of the computation.
 * A tied next-token head has no weight of its own.
 */
export function weightShapes(config: ModelConfig): Record<string, number[]> {
  const { hiddenSize, vocabSize } = config;
  const { family, head } = kindOf(config);
  const shapes: Record<string, number[]> = { 'model.embed_tokens.weight': [vocabSize, hiddenSize] };
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const layer = `model.layers.${i}`;
    const project = (projection: Projection) => {
      const name = `${layer}.${blockOf(projection)}.${projection}`;
      const shape = projectionShape(config, projection);
      shapes[`${name}.weight`] = shape;
      if (hasBias(config, projection)) shapes[`${name}.bias`] = [shape[0]];
    };
    shapes[`${layer}.input_layernorm.weight`] = [hiddenSize];
    for (const projection of ATTENTION) project(projection);
    if (family === 'Qwen3') {
      shapes[`${layer}.self_attn.q_norm.weight`] = [config.headDim];
      shapes[`${layer}.self_attn.k_norm.weight`] = [config.headDim];
    }
    shapes[`${layer}.post_attention_layernorm.weight`] = [hiddenSize];
    for (const projection of MLP) project(projection);
  }
  shapes['model.norm.weight'] = [hiddenSize];
  const speaks = head === 'next-token' || config.keepsLanguageHead;
  if (speaks && !config.tieWordEmbeddings) shapes['lm_head.weight'] = [vocabSize, hiddenSize];
  return { ...shapes, ...scoreHeadShapes(config) };
}

/** Number of parameters of a model; a tied head counts once. */
export function parameterCount(config: ModelConfig): number {
  return Object.values(weightShapes(config)).reduce(
    (sum, shape) => sum + shape.reduce((n, dim) => n * dim, 1),
    0,
  );
}
