import {
  attentionAt,
  cachedAttention,
  causalAttention,
  checkpointed,
  type KeysAndValues,
  recompute,
  rmsNorm,
  rotaryEmbedding,
  splitHeads,
} from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config/model-config.js';
import { blockOf, type Projection } from './config/weight-shapes.js';
import { linear, linearOfUneven, type Matrix } from './layers/linear.js';
import { type PositionTables, positionTables } from './layers/position-tables.js';
import { swiglu } from './layers/swiglu.js';

/** Weights as tensors, under Hugging Face names, in `[out, in]` layout. */
export type WeightTensors = Readonly<Record<string, tf.Tensor>>;

/**
 * Weights of which the matrices of the layers may be something else than a plain tensor: integers, see
 * `quantizeWeights`, or a matrix with a low-rank addition, see `adaptedWeights`.
 */
export type ModelTensors = Readonly<Record<string, Matrix>>;

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
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor2D,
  tables = positionTables(config, tokens.shape[1]),
): tf.Tensor2D {
  return layers(config, weights, tokens, tables, config.numHiddenLayers);
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
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor2D,
  last: tf.Tensor1D,
  tables = positionTables(config, tokens.shape[1]),
): tf.Tensor2D {
  const states = layers(config, weights, tokens, tables, config.numHiddenLayers - 1);
  return lastLayer(config, weights, tokens, last, tables, states).state;
}

/**
 * What `stateAt` computes, with the keys and values of every layer and position, from which
 * `continueAt` goes on.
 */
export function readPrompt(
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor2D,
  last: tf.Tensor1D,
  tables = positionTables(config, tokens.shape[1]),
): { state: tf.Tensor2D; cache: KeysAndValues[] } {
  const cache: KeysAndValues[] = [];
  const states = layers(config, weights, tokens, tables, config.numHiddenLayers - 1, cache);
  const { state, seen } = lastLayer(config, weights, tokens, last, tables, states);
  return { state, cache: [...cache, seen] };
}

/** The last layer at one position of each sequence, with its keys and values at all of them. */
function lastLayer(
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor2D,
  last: tf.Tensor1D,
  tables: PositionTables,
  states: tf.Tensor2D,
): { state: tf.Tensor2D; seen: KeysAndValues } {
  const [batch, length] = tokens.shape;
  const { numAttentionHeads: heads, numKeyValueHeads: groups } = config;
  const layer = layerOf(config, weights, config.numHiddenLayers - 1);
  const normal = layer.norm('input_layernorm', states);
  const rows = tf.add(last, tf.range(0, batch * length, length, 'int32')) as tf.Tensor1D;
  const k = rotaryEmbedding(bySequence(layer.heads('k', normal), batch), tables.keys, groups);
  const seen = {
    keys: splitHeads(k, groups),
    values: splitHeads(bySequence(layer.project('v_proj', normal), batch), groups),
  };
  const q = tf.expandDims(layer.heads('q', tf.gather(normal, rows)), 1) as tf.Tensor3D;
  const rotated = rotaryEmbedding(q, tables.queries, heads, tf.expandDims(last, 1) as tf.Tensor2D);
  const queries = tf.reshape(rotated, [batch, heads, config.headDim]) as tf.Tensor3D;
  const mixed = attentionAt(queries, seen.keys, seen.values, last);
  const state = layer.feedForward<tf.Tensor2D>(
    tf.add(tf.gather(states, rows), layer.project('o_proj', mixed)),
  );
  return { state, seen };
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
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor1D,
  positions: tf.Tensor1D,
  cache: readonly KeysAndValues[],
  tables: PositionTables,
): { state: tf.Tensor2D; cache: KeysAndValues[] } {
  const at = tf.expandDims(positions, 1) as tf.Tensor2D;
  const embedded = tf.gather(weights['model.embed_tokens.weight'] as tf.Tensor2D, tokens);
  // [B, 1, D] throughout, as attention wants it: at one row a change of shape costs as much as a norm.
  const x = tf.expandDims(embedded, 1) as tf.Tensor3D;
  return overCache(config, weights, { x, at, end: positions }, cache, tables, (states) => states);
}

/**
 * More tokens of one sequence whose beginning is in the cache: the state at its last token after the last layer, before the
 * final norm. The last layer runs there only.
 *
 * @param tokens `[1, S]` int32
 * @param positions `[1, S]` int32, rising by one; keys and values of all earlier positions are in the cache, and what the cache
 *   holds from there on is never read
 * @param end `[1]` int32, the last of `positions`
 * @param cache rotated keys, and values, of each layer, with room for C positions: `[1, numKeyValueHeads, C, headDim]`
 * @param tables at least C positions
 * @returns `[1, hiddenSize]`, and the cache with the new tokens in it
 */
export function extendSequence(
  config: ModelConfig,
  weights: ModelTensors,
  { tokens, positions, end }: { tokens: tf.Tensor2D; positions: tf.Tensor2D; end: tf.Tensor1D },
  cache: readonly KeysAndValues[],
  tables: PositionTables,
): { state: tf.Tensor2D; cache: KeysAndValues[] } {
  const lastRow = tf.sub(end, tf.reshape(tf.slice(positions, [0, 0], [1, 1]), [1]));
  const x = tf.gather(weights['model.embed_tokens.weight'] as tf.Tensor, tokens) as tf.Tensor3D;
  const ofLast = (states: tf.Tensor3D) => tf.gather(states, lastRow, 1);
  return overCache(config, weights, { x, at: positions, end }, cache, tables, ofLast);
}

/**
 * The layers over a cache.
 *
 * @param newest `x` `[B, S, D]` before the first layer, its positions `at` `[B, S]`, of which `end` `[B]` are the last
 * @param read the rows that the last layer goes on with
 */
function overCache(
  config: ModelConfig,
  weights: ModelTensors,
  newest: { readonly x: tf.Tensor3D; readonly at: tf.Tensor2D; readonly end: tf.Tensor1D },
  cache: readonly KeysAndValues[],
  tables: PositionTables,
  read: (states: tf.Tensor3D) => tf.Tensor3D,
): { state: tf.Tensor2D; cache: KeysAndValues[] } {
  const { numAttentionHeads: heads, numKeyValueHeads: groups, hiddenSize } = config;
  const { at, end } = newest;
  let { x } = newest;
  const next = cache.map((past, i) => {
    const layer = layerOf(config, weights, i);
    const normal = layer.norm('input_layernorm', x);
    const q = rotaryEmbedding(layer.heads('q', normal), tables.queries, heads, at);
    const k = rotaryEmbedding(layer.heads('k', normal), tables.keys, groups, at);
    const v = layer.project('v_proj', normal);
    const { mixed, keys, values } = cachedAttention(q, k, v, past, end, { heads, groups });
    const isLast = i === cache.length - 1;
    const [before, added] = isLast ? [read(x), read(mixed)] : [x, mixed];
    x = layer.feedForward(tf.add(before, layer.project('o_proj', added)));
    return { keys, values };
  });
  return { state: tf.reshape(x, [-1, hiddenSize]), cache: next };
}

/** The final norm, to be applied to the states that a head reads. */
export function finalNorm(config: ModelConfig, weights: ModelTensors, states: tf.Tensor2D): tf.Tensor2D {
  return rmsNorm(states, weights['model.norm.weight'] as tf.Tensor, config.rmsNormEps);
}

/**
 * The embedding and the first `count` layers, at every position.
 *
 * @param cache gets the keys and values of each layer. @default they are not kept
 */
function layers(
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor2D,
  tables: PositionTables,
  count: number,
  cache?: KeysAndValues[],
): tf.Tensor2D {
  const [batch] = tokens.shape;
  let x = tf.gather(weights['model.embed_tokens.weight'] as tf.Tensor2D, tf.reshape(tokens, [-1]));
  for (let i = 0; i < count; i++) {
    const prefix = `model.layers.${i}.`;
    const own = Object.entries(weights).filter(([name]) => name.startsWith(prefix));
    const inputs = { x, tables, weights: Object.fromEntries(own) };
    const run = ({ x, tables, weights }: typeof inputs) =>
      wholeLayer(config, layerOf(config, weights, i), tables, x, batch);
    if (cache === undefined) {
      x = checkpointed((given) => run(given).states, inputs);
    } else {
      const { states, ...seen } = run(inputs);
      cache.push(seen);
      x = states;
    }
  }
  return x;
}

/** One layer at every position, and its keys and values. */
function wholeLayer(
  { numAttentionHeads: heads, numKeyValueHeads: groups, headDim }: ModelConfig,
  layer: Layer,
  tables: PositionTables,
  x: tf.Tensor2D,
  batch: number,
): { states: tf.Tensor2D } & KeysAndValues {
  const normal = layer.norm('input_layernorm', x);
  const { mixed, keys, values } = causalAttention(
    rotaryEmbedding(bySequence(layer.heads('q', normal), batch), tables.queries, heads),
    rotaryEmbedding(bySequence(layer.heads('k', normal), batch), tables.keys, groups),
    bySequence(layer.project('v_proj', normal), batch),
    { heads, groups },
  );
  const flat = tf.reshape(mixed, [-1, heads * headDim]) as tf.Tensor2D;
  return { states: layer.feedForward(tf.add(x, layer.project('o_proj', flat))), keys, values };
}

/** `[B * T, D]` to `[B, T, D]`. */
function bySequence(x: tf.Tensor2D, batch: number): tf.Tensor3D {
  return tf.reshape(x, [batch, x.shape[0] / batch, x.shape[1]]);
}

type Rows = tf.Tensor2D | tf.Tensor3D;

/** The parts of one layer. */
interface Layer {
  norm<T extends Rows>(name: 'input_layernorm' | 'post_attention_layernorm', x: T): T;
  project<T extends Rows>(name: Projection, x: T): T;
  /** Queries or keys before their rotation; where the family has it (Qwen3), each head is normalised. */
  heads<T extends Rows>(name: 'q' | 'k', x: T): T;
  feedForward<T extends Rows>(x: T): T;
}

function layerOf(config: ModelConfig, weights: ModelTensors, index: number): Layer {
  const prefix = `model.layers.${index}`;
  const weight = (name: string) => weights[`${prefix}.${name}`] as tf.Tensor | undefined;
  const projection = (name: Projection) => {
    const path = `${blockOf(name)}.${name}`;
    return { matrix: weights[`${prefix}.${path}.weight`] as Matrix, bias: weight(`${path}.bias`) };
  };
  const project = <T extends Rows>(name: Projection, x: T): T => {
    const { matrix, bias } = projection(name);
    return linear(x, matrix, bias);
  };
  const norm = <T extends Rows>(name: string, x: T): T =>
    rmsNorm(x, weight(`${name}.weight`)!, config.rmsNormEps);
  return {
    norm,
    project,
    heads(name, x) {
      const all = project(`${name}_proj`, x);
      const gain = weight(`self_attn.${name}_norm.weight`);
      if (gain === undefined) return all;
      const apart = tf.reshape(all, [-1, config.headDim]) as tf.Tensor2D;
      return tf.reshape(rmsNorm(apart, gain, config.rmsNormEps), all.shape) as typeof all;
    },
    feedForward(x) {
      const normal = norm('post_attention_layernorm', x);
      const [gate, up] = [project('gate_proj', normal), project('up_proj', normal)];
      // What is between these products is cheap, and as large as they are: only they are kept for the gradient. A product of
      // two activations differs in size from token to token by orders of magnitude.
      const inputs = { gate, up, down: projection('down_proj') };
      const inner = recompute(
        ({ gate, up, down }) => linearOfUneven(swiglu(gate, up), down.matrix, down.bias),
        inputs,
      );
      return tf.add(x, inner);
    },
  };
}
