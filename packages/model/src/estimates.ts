import { kindOf, type ModelConfig } from './config/model-config.js';
import { parameterCount, weightShapes } from './config/weight-shapes.js';
import { adapterShapes } from './lora/adapter.js';
import type { LoraConfig } from './lora/lora-config.js';
import { matrixWeights, roundedHeadBytes, type WeightPrecision, weightBytes } from './weight-bytes.js';

/** Memory of the keys and values of a number of positions, in bytes. */
export function cacheBytes(config: ModelConfig, positions: number): number {
  return 2 * 4 * config.numHiddenLayers * config.numKeyValueHeads * config.headDim * positions;
}

/**
 * Floating-point operations of a forward pass: two for each weight and token. Attention between positions is left out;
 * at the usual lengths it is a few per cent.
 *
 * @param headRows positions at which the head runs over the whole vocabulary
 */
export function forwardFlop(config: ModelConfig, tokens: number, headRows: number): number {
  const head = kindOf(config).head === 'score' ? 1 : config.vocabSize;
  return 2 * (tokens * matrixWeights(config) + headRows * config.hiddenSize * head);
}

/** Bytes of weights that one token of generated text reads. */
export function bytesPerToken(config: ModelConfig, precision: WeightPrecision = 'float32'): number {
  const table = 4 * config.vocabSize * config.hiddenSize;
  const rounded = precision === 'float32' ? 0 : roundedHeadBytes(config);
  // One row of the embedding is read, and none of a head that is read in integers.
  const isHeadRead = kindOf(config).head === 'next-token' && rounded === 0;
  const tables = config.tieWordEmbeddings ? (isHeadRead ? 0 : 1) : isHeadRead ? 1 : 2;
  return weightBytes(config, precision) - tables * table + rounded;
}

/**
 * Memory of the activations that a training step keeps for its gradient, in bytes: of each layer the states before and after its
 * norms, queries, keys, values, the mixed values and the two arrays of the feed-forward layer, or with gradient checkpointing
 * the states before it; and what one layer needs while it is computed. The head's logits come on top.
 *
 * @param rows sequences of a micro-batch
 * @param length of each, padding included
 */
export function activationBytes(
  config: ModelConfig,
  rows: number,
  length: number,
  { gradientCheckpointing = false }: { readonly gradientCheckpointing?: boolean } = {},
): number {
  const { hiddenSize, intermediateSize, numAttentionHeads, numKeyValueHeads, headDim } = config;
  const attention = (2 * numAttentionHeads + 2 * numKeyValueHeads) * headDim;
  const layer = 4 * hiddenSize + attention + 2 * intermediateSize;
  const atOnce = Math.max(2 * numAttentionHeads * length, 3 * intermediateSize);
  const kept = gradientCheckpointing ? hiddenSize : layer;
  const once = atOnce + (gradientCheckpointing ? layer : 0);
  return 4 * rows * length * (config.numHiddenLayers * kept + once);
}

/** Memory of training beside the activations, in bytes. */
export interface TrainingMemory {
  /** Weights of the model, and of its adapter where one is trained. */
  readonly weights: number;
  readonly gradients: number;
  /** Moments of the gradients that the optimizer keeps. */
  readonly moments: number;
}

/** Options of `trainingMemory`. */
export interface TrainingMemoryOptions {
  /** Trains an adapter and keeps the model as it is. @default everything is trained */
  readonly lora?: LoraConfig | undefined;
  /** Gives the shapes of what is remembered of a weight, as the optimizers of `@gram/train` do. @default AdamW */
  readonly optimizer?: { slots(shape: readonly number[]): Readonly<Record<string, readonly number[]>> };
}

/** AdamW remembers the first and the second moment of every weight. */
const ADAMW: NonNullable<TrainingMemoryOptions['optimizer']> = { slots: (shape) => ({ m: shape, v: shape }) };

/**
 * Memory of training without that of the activations: float32 weights, gradients, and the moments of the optimizer.
 *
 * @example
 * ```ts
 * const { weights, gradients, moments } = trainingMemory(config, { optimizer: adafactor() });
 * ```
 */
export function trainingMemory(
  config: ModelConfig,
  { lora, optimizer = ADAMW }: TrainingMemoryOptions = {},
): TrainingMemory {
  const trained = Object.values(lora === undefined ? weightShapes(config) : adapterShapes(config, lora));
  const remembered = trained.flatMap((shape) => Object.values(optimizer.slots(shape)));
  const gradients = 4 * elements(trained);
  return {
    weights: 4 * parameterCount(config) + (lora === undefined ? 0 : gradients),
    gradients,
    moments: 4 * elements(remembered),
  };
}

function elements(shapes: readonly (readonly number[])[]): number {
  return shapes.reduce((sum, shape) => sum + shape.reduce((size, dimension) => size * dimension, 1), 0);
}

/** Memory of training with AdamW without that of the activations, in bytes: the sum of `trainingMemory`. */
export function trainingBytes(config: ModelConfig, lora?: LoraConfig): number {
  const { weights, gradients, moments } = trainingMemory(config, { lora });
  return weights + gradients + moments;
}
