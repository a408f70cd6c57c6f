import {
  attentionAt,
  cachedAttention,
  causalAttention,
  type Int8Matrix,
  int8MatMul,
  type KeysAndValues,
  rmsNorm,
  rotaryEmbedding,
  splitHeads,
} from '@gram/engine';
import * as tf from '@tensorflow/tfjs';
import type { LlamaConfig } from './config/llama-config.js';
import { type PositionTables, positionTables } from './layers/position-tables.js';
import { swiglu } from './layers/swiglu.js';

/** Weights as tensors, under Hugging Face names, in `[out, in]` layout. */
export type WeightTensors = Readonly<Record<string, tf.Tensor>>;

/** Weights of which the matrices of the layers may be 8-bit integers, see `quantizeWeights`. */
export type QuantizedWeightTensors = Readonly<Record<string, tf.Tensor | Int8Tensors>>;

type Int8Tensors = Int8Matrix<tf.Tensor2D, tf.Tensor1D>;

/**
 * The decoder: states after the last layer, before the final norm.
 *
 * Rows of `tokens` are padded on the right with any id. What stands after a position never changes
 * its state.
 *
 * @param tokens `[B, T]` int32
 * @param tables at least T positions; as an input of a compiled function they let it serve all lengths.
 *   @default constants for T positions
 * @returns `[B * T, hiddenSize]`, row `b * T + t` for position t of sequence b
 */
export function hiddenStates(
  config: LlamaConfig,
  weights: QuantizedWeightTensors,
  tokens: tf.Tensor2D,
  tables = positionTables(config, tokens.shape[1]),
): tf.Tensor2D {
  return layers(config, weights, tokens, tables, config.numHiddenLayers).states;
}

/**
 * The decoder's state at one position of each sequence, before the final norm. The last layer runs
 * at these positions only: nothing reads the others.
 *
 * @param tokens `[B, T]` int32
 * @param last `[B]` int32, a position in each sequence
 * @returns `[B, hiddenSize]`
 */
export function stateAt(
  config: LlamaConfig,
  weights: QuantizedWeightTensors,
  tokens: tf.Tensor2D,
  last: tf.Tensor1D,
  tables?: PositionTables,
): tf.Tensor2D {
  return readPrompt(config, weights, tokens, last, tables).state;
}

/**
 * What `stateAt` computes, with the keys and values of every layer and position, from which
 * `continueAt` goes on.
 */
export function readPrompt(
  config: LlamaConfig,
  weights: QuantizedWeightTensors,
  tokens: tf.Tensor2D,
  last: tf.Tensor1D,
  tables = positionTables(config, tokens.shape[1]),
): { state: tf.Tensor2D; cache: KeysAndValues[] } {
  const [batch, length] = tokens.shape;
  const { numAttentionHeads: heads, numKeyValueHeads: groups } = config;
  const top = config.numHiddenLayers - 1;
  const { states, cache } = layers(config, weights, tokens, tables, top);
  const w = layerWeights(weights, top);
  const normal = rmsNorm(states, w('input_layernorm'), config.rmsNormEps);
  const rows = tf.add(last, tf.range(0, batch * length, length, 'int32')) as tf.Tensor1D;
  const k = rotaryEmbedding(bySequence(linear(normal, w('self_attn.k_proj')), batch), tables.keys, groups);
  const seen = {
    keys: splitHeads(k, groups),
    values: splitHeads(bySequence(linear(normal, w('self_attn.v_proj')), batch), groups),
  };
  const q = tf.expandDims(linear(tf.gather(normal, rows), w('self_attn.q_proj')), 1) as tf.Tensor3D;
  const rotated = rotaryEmbedding(q, tables.queries, heads, tf.expandDims(last, 1) as tf.Tensor2D);
  const queries = tf.reshape(rotated, [batch, heads, config.headDim]) as tf.Tensor3D;
  const mixed = attentionAt(queries, seen.keys, seen.values, last);
  const state = feedForward<tf.Tensor2D>(
    config,
    w,
    tf.add(tf.gather(states, rows), linear(mixed, w('self_attn.o_proj'))),
  );
  return { state, cache: [...cache, seen] };
}

/**
 * One more token of each sequence: its state after the last layer, before the final norm.
 *
 * @param tokens `[B]` int32
 * @param positions `[B]` int32, the position of each token; keys and values of all earlier ones are
 *   in the cache, and what the cache holds from there on is never read
 * @param cache rotated keys, and values, of each layer, with room for C positions: `[B, numKeyValueHeads, C, headDim]`
 * @param tables at least C positions
 * @returns `[B, hiddenSize]`, and the cache with the new token in it
 */
export function continueAt(
  config: LlamaConfig,
  weights: QuantizedWeightTensors,
  tokens: tf.Tensor1D,
  positions: tf.Tensor1D,
  cache: readonly KeysAndValues[],
  tables: PositionTables,
): { state: tf.Tensor2D; cache: KeysAndValues[] } {
  const { numAttentionHeads: heads, numKeyValueHeads: groups } = config;
  const at = tf.expandDims(positions, 1) as tf.Tensor2D;
  const embedded = tf.gather(weights['model.embed_tokens.weight'] as tf.Tensor2D, tokens);
  // [B, 1, D] throughout, as attention wants it: at one row a change of shape costs as much as a norm.
  let x = tf.expandDims(embedded, 1) as tf.Tensor3D;
  const next = cache.map((past, i) => {
    const w = layerWeights(weights, i);
    const normal = rmsNorm(x, w('input_layernorm'), config.rmsNormEps);
    const q = rotaryEmbedding(linear(normal, w('self_attn.q_proj')), tables.queries, heads, at);
    const k = rotaryEmbedding(linear(normal, w('self_attn.k_proj')), tables.keys, groups, at);
    const v = linear(normal, w('self_attn.v_proj'));
    const { mixed, keys, values } = cachedAttention(q, k, v, past, positions, { heads, groups });
    x = feedForward(config, w, tf.add(x, linear(mixed, w('self_attn.o_proj'))));
    return { keys, values };
  });
  return { state: tf.reshape(x, [-1, config.hiddenSize]), cache: next };
}

/** The final norm, to be applied to the states that a head reads. */
export function finalNorm(
  config: LlamaConfig,
  weights: QuantizedWeightTensors,
  states: tf.Tensor2D,
): tf.Tensor2D {
  return rmsNorm(states, weights['model.norm.weight'] as tf.Tensor, config.rmsNormEps);
}

type LayerWeights = (name: string) => tf.Tensor;

function layerWeights(weights: QuantizedWeightTensors, index: number): LayerWeights {
  return (name) => weights[`model.layers.${index}.${name}.weight`] as tf.Tensor;
}

/** The embedding and the first `count` layers, at every position. */
function layers(
  config: LlamaConfig,
  weights: QuantizedWeightTensors,
  tokens: tf.Tensor2D,
  tables: PositionTables,
  count: number,
): { states: tf.Tensor2D; cache: KeysAndValues[] } {
  const [batch] = tokens.shape;
  const { numAttentionHeads: heads, numKeyValueHeads: groups } = config;
  let x = tf.gather(weights['model.embed_tokens.weight'] as tf.Tensor2D, tf.reshape(tokens, [-1]));
  const cache = Array.from({ length: count }, (_, i) => {
    const w = layerWeights(weights, i);
    const normal = rmsNorm(x, w('input_layernorm'), config.rmsNormEps);
    const projected = (name: string) => bySequence(linear(normal, w(`self_attn.${name}_proj`)), batch);
    const { mixed, keys, values } = causalAttention(
      rotaryEmbedding(projected('q'), tables.queries, heads),
      rotaryEmbedding(projected('k'), tables.keys, groups),
      projected('v'),
      { heads, groups },
    );
    const flat = tf.reshape(mixed, [-1, heads * config.headDim]) as tf.Tensor2D;
    x = feedForward<tf.Tensor2D>(config, w, tf.add(x, linear(flat, w('self_attn.o_proj'))));
    return { keys, values };
  });
  return { states: x, cache };
}

/** `[B * T, D]` to `[B, T, D]`. */
function bySequence(x: tf.Tensor2D, batch: number): tf.Tensor3D {
  return tf.reshape(x, [batch, x.shape[0] / batch, x.shape[1]]);
}

/** A product with a weight `[out, in]`, along the last axis. */
function linear<T extends tf.Tensor2D | tf.Tensor3D>(x: T, weight: tf.Tensor | Int8Tensors): T {
  if ('scales' in weight) return int8MatMul(x, weight);
  return tf.matMul(x as tf.Tensor, weight, false, true) as T;
}

function feedForward<T extends tf.Tensor2D | tf.Tensor3D>(config: LlamaConfig, w: LayerWeights, x: T): T {
  const normal = rmsNorm(x, w('post_attention_layernorm'), config.rmsNormEps);
  const inner = swiglu(linear(normal, w('mlp.gate_proj')), linear(normal, w('mlp.up_proj')));
  return tf.add(x, linear(inner, w('mlp.down_proj')));
}
