import type { AnyArray, NDArray } from '@gram/engine';
import { ModelError } from '../error.js';
import {
  ATTENTION_PROJECTIONS,
  blockOf,
  MLP_PROJECTIONS,
  type Projection,
  projectionShape,
} from '../families/projections.js';
import { familyOf, kindOf, type ModelConfig } from './model-config.js';

/** The weights of a model: float32 arrays under their Hugging Face names, matrices as `[out, in]`. */
export type Weights = Readonly<Record<string, NDArray<'float32'>>>;

/** Weights in host memory or where a device keeps them, by name. */
export type PlacedWeights = Readonly<Record<string, AnyArray<'float32'>>>;

/** Returns one of the weights. @throws {ModelError} `bad-weights` when it is missing */
export function weightOf<Weight>(weights: Readonly<Record<string, Weight>>, name: string): Weight {
  const found = weights[name];
  if (found !== undefined) return found;
  throw new ModelError('bad-weights', `the weight "${name}" is missing`, 'pass all weights of the model');
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
  const shapes: Record<string, number[]> = { 'model.embed_tokens.weight': [vocabSize, hiddenSize] };
  for (let i = 0; i < config.numHiddenLayers; i++) {
    for (const [name, shape] of Object.entries(layerShapes(config)))
      shapes[`model.layers.${i}.${name}`] = shape;
  }
  shapes['model.norm.weight'] = [hiddenSize];
  const hasLanguageHead = kindOf(config).head === 'next-token' || config.keepsLanguageHead;
  if (hasLanguageHead && !config.tieWordEmbeddings) shapes['lm_head.weight'] = [vocabSize, hiddenSize];
  return { ...shapes, ...scoreHeadShapes(config) };
}

/** Name and shape of the weights of one layer, without the part of the names that says which. */
function layerShapes(config: ModelConfig): Record<string, number[]> {
  const { norms, hasHeadNorms, biases } = familyOf(config).decoder;
  const biased = biases(config);
  const shapes: Record<string, number[]> = {};
  const norm = (name: string | undefined, width: number) => {
    if (name !== undefined) shapes[`${name}.weight`] = [width];
  };
  const project = (projection: Projection) => {
    const name = `${blockOf(projection)}.${projection}`;
    const shape = projectionShape(config, projection);
    shapes[`${name}.weight`] = shape;
    if (biased.includes(projection)) shapes[`${name}.bias`] = [shape[0]];
  };
  norm(norms.attention.before, config.hiddenSize);
  for (const projection of ATTENTION_PROJECTIONS) project(projection);
  if (hasHeadNorms) for (const name of ['q_norm', 'k_norm']) norm(`self_attn.${name}`, config.headDim);
  norm(norms.attention.after, config.hiddenSize);
  norm(norms.feedForward.before, config.hiddenSize);
  for (const projection of MLP_PROJECTIONS) project(projection);
  norm(norms.feedForward.after, config.hiddenSize);
  return shapes;
}

/** Number of parameters of a model; a tied head counts once. */
export function parameterCount(config: ModelConfig): number {
  return Object.values(weightShapes(config)).reduce(
    (sum, shape) => sum + shape.reduce((n, dim) => n * dim, 1),
    0,
  );
}
