import * as tf from '@tensorflow/tfjs';
import type { LlamaConfig } from './config/llama-config.js';
import {
  attentionAt,
  causalAttention,
  causalMask,
  type KeysAndValues,
  keysAndValues,
  positionTables,
  rotateAt,
} from './layers/attention.js';
import { rmsNorm } from './layers/rms-norm.js';
import { swiglu } from './layers/swiglu.js';

/** Weights as tensors, under Hugging Face names, in `[out, in]` layout. */
export type WeightTensors = Readonly<Record<string, tf.Tensor>>;

/**
 * The decoder: states after the last layer, before the final norm.
 *
 * Rows of `tokens` are padded on the right with any id. What stands after a position never changes
 * its state.
 *
 * @param tokens `[B, T]` int32
 * @returns `[B * T, hiddenSize]`, row `b * T + t` for position t of sequence b
 */
export function hiddenStates(config: LlamaConfig, weights: WeightTensors, tokens: tf.Tensor2D): tf.Tensor2D {
  return layers(config, weights, tokens, config.numHiddenLayers).states;
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
  weights: WeightTensors,
  tokens: tf.Tensor2D,
  last: tf.Tensor1D,
): tf.Tensor2D {
  return readPrompt(config, weights, tokens, last).state;
}

/**
 * What `stateAt` computes, with the keys and values of every layer and position, from which
 * `continueAt` goes on.
 */
export function readPrompt(
  config: LlamaConfig,
  weights: WeightTensors,
  tokens: tf.Tensor2D,
  last: tf.Tensor1D,
): { state: tf.Tensor2D; cache: KeysAndValues[] } {
  const [batch, length] = tokens.shape;
  const top = config.numHiddenLayers - 1;
  const { states, cache } = layers(config, weights, tokens, top);
  const w = layerWeights(weights, top);
  const tables = positionTables(config, length);
  const normal = rmsNorm(states, w('input_layernorm'), config.rmsNormEps);
  const starts = tf.tensor1d(
    Int32Array.from({ length: batch }, (_, b) => b * length),
    'int32',
  );
  const rows = tf.add(last, starts) as tf.Tensor1D;
  const seen = keysAndValues(config, tables, ...projections(w, normal), batch);
  const q = linear(tf.gather(normal, rows), w('self_attn.q_proj'));
  const mixed = attentionAt(config, tables, q, seen, last);
  const state = feedForward(config, w, tf.add(tf.gather(states, rows), linear(mixed, w('self_attn.o_proj'))));
  return { state, cache: [...cache, seen] };
}

/** Rotated keys, and values, of one layer with room for C positions: `[B * numKeyValueHeads * C, headDim]`. */
export interface LayerCache {
  readonly keys: tf.Tensor2D;
  readonly values: tf.Tensor2D;
}

/**
 * One more token of each sequence: its state after the last layer, before the final norm.
 *
 * @param tokens `[B]` int32
 * @param positions `[B]` int32, the position of each token; keys and values of all earlier ones are
 *   in the cache, and what the cache holds from there on is never read
 * @param cache one for each layer
 * @returns `[B, hiddenSize]`, and the cache with the new token in it
 */
export function continueAt(
  config: LlamaConfig,
  weights: WeightTensors,
  tokens: tf.Tensor1D,
  positions: tf.Tensor1D,
  cache: readonly LayerCache[],
): { state: tf.Tensor2D; cache: LayerCache[] } {
  const { numKeyValueHeads: groups, headDim } = config;
  const [batch] = tokens.shape;
  const capacity = cache[0]!.keys.shape[0] / (batch * groups);
  const tables = positionTables(config, capacity);
  const starts = tf.tensor2d(
    Int32Array.from({ length: batch * groups }, (_, i) => i * capacity),
    [batch, groups],
    'int32',
  );
  const places = tf.reshape(tf.add(starts, tf.expandDims(positions, 1)), [-1, 1]);
  const put = (past: tf.Tensor2D, rows: tf.Tensor) =>
    tf.tensorScatterUpdate(past, places, tf.reshape(rows, [-1, headDim]));
  const byHead = (all: tf.Tensor2D): tf.Tensor4D => tf.reshape(all, [batch, groups, capacity, headDim]);
  let x = tf.gather(weights['model.embed_tokens.weight'] as tf.Tensor2D, tokens);
  const next = cache.map((past, i) => {
    const w = layerWeights(weights, i);
    const normal = rmsNorm(x, w('input_layernorm'), config.rmsNormEps);
    const [k, v] = projections(w, normal);
    const rotated = rotateAt(tf.reshape(k, [batch, groups, headDim]), tables.keys, positions);
    const now = { keys: put(past.keys, rotated), values: put(past.values, v) };
    const seen = { keys: byHead(now.keys), values: byHead(now.values) };
    const mixed = attentionAt(config, tables, linear(normal, w('self_attn.q_proj')), seen, positions);
    x = feedForward(config, w, tf.add(x, linear(mixed, w('self_attn.o_proj'))));
    return now;
  });
  return { state: x, cache: next };
}

/** The final norm, to be applied to the states that a head reads. */
export function finalNorm(config: LlamaConfig, weights: WeightTensors, states: tf.Tensor2D): tf.Tensor2D {
  return rmsNorm(states, weights['model.norm.weight'] as tf.Tensor, config.rmsNormEps);
}

type LayerWeights = (name: string) => tf.Tensor;

function layerWeights(weights: WeightTensors, index: number): LayerWeights {
  return (name) => weights[`model.layers.${index}.${name}.weight`] as tf.Tensor;
}

/** The embedding and the first `count` layers, at every position. */
function layers(
  config: LlamaConfig,
  weights: WeightTensors,
  tokens: tf.Tensor2D,
  count: number,
): { states: tf.Tensor2D; cache: KeysAndValues[] } {
  const [batch, length] = tokens.shape;
  const tables = positionTables(config, length);
  const mask = causalMask(length);
  let x = tf.gather(weights['model.embed_tokens.weight'] as tf.Tensor2D, tf.reshape(tokens, [-1]));
  const cache = Array.from({ length: count }, (_, i) => {
    const w = layerWeights(weights, i);
    const normal = rmsNorm(x, w('input_layernorm'), config.rmsNormEps);
    const seen = keysAndValues(config, tables, ...projections(w, normal), batch);
    const mixed = causalAttention(config, tables, mask, linear(normal, w('self_attn.q_proj')), seen);
    x = feedForward(config, w, tf.add(x, linear(mixed, w('self_attn.o_proj'))));
    return seen;
  });
  return { states: x, cache };
}

function linear(x: tf.Tensor2D, weight: tf.Tensor): tf.Tensor2D {
  return tf.matMul(x, weight as tf.Tensor2D, false, true);
}

/** Keys and values before their heads are split. */
function projections(w: LayerWeights, normal: tf.Tensor2D): [k: tf.Tensor2D, v: tf.Tensor2D] {
  return [linear(normal, w('self_attn.k_proj')), linear(normal, w('self_attn.v_proj'))];
}

function feedForward(config: LlamaConfig, w: LayerWeights, x: tf.Tensor2D): tf.Tensor2D {
  const normal = rmsNorm(x, w('post_attention_layernorm'), config.rmsNormEps);
  const inner = swiglu(linear(normal, w('mlp.gate_proj')), linear(normal, w('mlp.up_proj')));
  return tf.add(x, linear(inner, w('mlp.down_proj')));
}
