import { checkpointed, type KeysAndValues } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import { familyOf, type ModelConfig } from '../config/model-config.js';
import {
  atEveryPosition,
  atOnePosition,
  type LayerCache,
  type NewestPositions,
  overCache,
} from './attention.js';
import { decoderLayer, normalized } from './layer.js';
import { type ModelTensors, tensorOf } from './model-tensors.js';
import { type PositionTables, positionTables } from './position-tables.js';

/**
 * The decoder: states after the last layer, before the final norm.
 *
 * Rows of `tokens` are padded on the right with any id. What stands after a position never changes
 * its state.
 *
 * @example
 * ```ts
 * const run = compile(({ weights, tokens }: Inputs) => ({ states: hiddenStates(config, weights, tokens) }));
 * ```
 *
 * @param tokens `[B, T]` int32
 * @param tables at least T positions of `positionArrays`; as an input of a compiled function they let it serve all lengths.
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
  const attend = atOnePosition(tables, last, tokens.shape[1]);
  const {
    states: x,
    keys,
    values,
  } = decoderLayer(config, weights, config.numHiddenLayers - 1, states, attend);
  return { state: tf.reshape(x, [-1, config.hiddenSize]), seen: { keys, values } };
}

/**
 * One more token of each sequence: its state after the last layer, before the final norm.
 *
 * @param tokens `[B]` int32
 * @param positions `[B]` int32, the position of each token; keys and values of all earlier ones are
 *   in the cache, and what the cache holds from there on is never read
 * @param cache rotated keys, and values, of each layer, with room for C positions: `[B, numKeyValueHeads, C, headDim]`, in integers
 *   where there are scales
 * @param tables at least C positions of `continuationArrays`
 * @returns `[B, hiddenSize]`, and the cache with the new token in it
 */
export function continueAt(
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor1D,
  positions: tf.Tensor1D,
  cache: readonly LayerCache[],
  tables: PositionTables,
): { state: tf.Tensor2D; cache: KeysAndValues[] } {
  const at = tf.expandDims(positions, 1) as tf.Tensor2D;
  // [B, 1, D] throughout, as attention wants it: at one row a change of shape costs as much as a norm.
  const x: tf.Tensor3D = tf.expandDims(embedding(config, weights, tokens), 1);
  const read = (states: tf.Tensor3D) => states;
  return layersOverCache(config, weights, { x, at, end: positions, read }, cache, tables);
}

/**
 * More tokens of one sequence whose beginning is in the cache: the state at its last token after the last layer, before the
 * final norm. The last layer runs there only. Sequences above `sharedLength` share no keys: read them as a whole.
 *
 * @param tokens `[1, S]` int32
 * @param positions `[1, S]` int32, rising by one; keys and values of all earlier positions are in the cache, and what the cache
 *   holds from there on is never read
 * @param end `[1]` int32, the last of `positions`
 * @param cache rotated keys, and values, of each layer, with room for C positions: `[1, numKeyValueHeads, C, headDim]`
 * @param tables at least the positions of the sequence, of `positionArrays`
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
  const x = embedding<tf.Tensor3D>(config, weights, tokens);
  const read = (states: tf.Tensor3D) => tf.gather(states, lastRow, 1);
  return layersOverCache(config, weights, { x, at: positions, end, read }, cache, tables);
}

/**
 * More tokens of one sequence, as `extendSequence` reads them, with the states at all of them.
 *
 * @returns `[S, hiddenSize]`, and the cache with the new tokens in it
 */
export function extendAtEach(
  config: ModelConfig,
  weights: ModelTensors,
  { tokens, positions, end }: { tokens: tf.Tensor2D; positions: tf.Tensor2D; end: tf.Tensor1D },
  cache: readonly KeysAndValues[],
  tables: PositionTables,
): { state: tf.Tensor2D; cache: KeysAndValues[] } {
  const x = embedding<tf.Tensor3D>(config, weights, tokens);
  const read = (states: tf.Tensor3D) => states;
  return layersOverCache(config, weights, { x, at: positions, end, read }, cache, tables);
}

/**
 * The layers over a cache.
 *
 * @param newest `x` `[B, S, D]` before the first layer and its positions; only the last layer reads less than all rows
 */
function layersOverCache(
  config: ModelConfig,
  weights: ModelTensors,
  newest: { readonly x: tf.Tensor3D } & Omit<NewestPositions, 'past'>,
  cache: readonly LayerCache[],
  tables: PositionTables,
): { state: tf.Tensor2D; cache: KeysAndValues[] } {
  const { at, end, read } = newest;
  let { x } = newest;
  const next = cache.map((past, i) => {
    const isLast = i === cache.length - 1;
    const attend = overCache(tables, { past, at, end, read: isLast ? read : (states) => states });
    const { states, keys, values } = decoderLayer(config, weights, i, x, attend);
    // Rows of [B, S, D] stay so.
    x = states as tf.Tensor3D;
    return { keys, values };
  });
  return { state: tf.reshape(x, [-1, config.hiddenSize]), cache: next };
}

/** The final norm, to be applied to the states that a head reads. */
export function finalNorm(config: ModelConfig, weights: ModelTensors, states: tf.Tensor2D): tf.Tensor2D {
  return normalized(config, weights, 'model.norm.weight', states);
}

/**
 * The embeddings of tokens, with the factor that the family puts on them.
 *
 * @param tokens int32 of any shape
 * @returns the shape of `tokens`, and `hiddenSize`
 */
function embedding<T extends tf.Tensor = tf.Tensor>(
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor,
): T {
  const rows: T = tf.gather(tensorOf(weights, 'model.embed_tokens.weight'), tokens as tf.Tensor1D) as T;
  const scale = familyOf(config).decoder.embeddingScale?.(config);
  return scale === undefined ? rows : tf.mul(rows, scale);
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
  let x = embedding<tf.Tensor2D>(config, weights, tf.reshape(tokens, [-1]));
  for (let i = 0; i < count; i++) {
    const prefix = `model.layers.${i}.`;
    const own = Object.entries(weights).filter(([name]) => name.startsWith(prefix));
    const inputs = { x, tables, weights: Object.fromEntries(own) };
    const run = (given: typeof inputs) => {
      const attend = atEveryPosition(given.tables, batch);
      const { states, keys, values } = decoderLayer(config, given.weights, i, given.x, attend);
      // Rows of [N, D] stay so.
      return { states: states as tf.Tensor2D, keys, values };
    };
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
