import * as tf from '@tensorflow/tfjs';
import type { LlamaConfig } from '../config/llama-config.js';
import { type RopeTables, ropeTables, rotate } from './rope.js';

/** What the score of a key that must not be seen becomes; exp of it is zero in float32. */
const hidden = -1e9;

/** Position tables that all layers of a forward pass share. */
export interface PositionTables {
  readonly keys: RopeTables;
  /** Scaled by 1/sqrt(headDim), which saves scaling the scores. */
  readonly queries: RopeTables;
}

/** Tables for positions 0 to `length - 1`. */
export function positionTables(config: LlamaConfig, length: number): PositionTables {
  return {
    keys: ropeTables(config, length),
    queries: ropeTables(config, length, 1 / Math.sqrt(config.headDim)),
  };
}

/** `[T, T]`: zero where query t may see key s <= t, and a large negative number elsewhere. */
export function causalMask(length: number): tf.Tensor2D {
  const mask = new Float32Array(length * length);
  for (let t = 0; t < length; t++) mask.fill(hidden, t * length + t + 1, (t + 1) * length);
  return tf.tensor2d(mask, [length, length]);
}

/** Rotated keys, and values, of every position: `[B, numKeyValueHeads, T, headDim]`. */
export interface KeysAndValues {
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
}

/** `[B*T, heads * headDim]` to `[B, heads, T, headDim]`. */
function splitHeads(x: tf.Tensor, batch: number, heads: number, headDim: number): tf.Tensor4D {
  return tf.transpose(tf.reshape(x, [batch, -1, heads, headDim]), [0, 2, 1, 3]);
}

/**
 * Keys and values as attention reads them.
 *
 * @param k `[B*T, numKeyValueHeads * headDim]`, as `v`; position t of a row is row t of the tables
 */
export function keysAndValues(
  { numKeyValueHeads, headDim }: LlamaConfig,
  { keys }: PositionTables,
  k: tf.Tensor,
  v: tf.Tensor,
  batch: number,
): KeysAndValues {
  return {
    keys: rotate(splitHeads(k, batch, numKeyValueHeads, headDim), keys.cos, keys.sin) as tf.Tensor4D,
    values: splitHeads(v, batch, numKeyValueHeads, headDim),
  };
}

/**
 * Causal attention of every position with grouped queries (Ainslie et al. 2023).
 *
 * The query rows of a group are laid one under the other, so that keys and values are never
 * repeated. Padding on the right needs no mask: no real position sees it.
 *
 * @param q `[B*T, numAttentionHeads * headDim]`
 * @param mask `[T, T]`, see `causalMask`
 * @returns `[B*T, numAttentionHeads * headDim]`
 */
export function causalAttention(
  config: LlamaConfig,
  tables: PositionTables,
  mask: tf.Tensor2D,
  q: tf.Tensor,
  { keys, values }: KeysAndValues,
): tf.Tensor2D {
  const { numAttentionHeads: heads, numKeyValueHeads: groups, headDim } = config;
  const [batch, , length] = keys.shape;
  const rows = (heads / groups) * length;
  const queries = rotate(splitHeads(q, batch, heads, headDim), tables.queries.cos, tables.queries.sin);
  const scores = tf.matMul(tf.reshape(queries, [batch, groups, rows, headDim]), keys, false, true);
  const masked = tf.add(tf.reshape(scores, [batch, heads, length, length]), mask);
  const weights = tf.reshape(tf.softmax(masked), [batch, groups, rows, length]);
  const mixed = tf.reshape(tf.matMul(weights, values), [batch, heads, length, headDim]);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [-1, heads * headDim]);
}

/**
 * Attention of one position in each row over the positions up to it.
 *
 * @param q `[B, numAttentionHeads * headDim]`, the queries at `positions`
 * @param positions `[B]` int32, the position of each query
 * @returns `[B, numAttentionHeads * headDim]`
 */
export function attentionAt(
  config: LlamaConfig,
  tables: PositionTables,
  q: tf.Tensor,
  { keys, values }: KeysAndValues,
  positions: tf.Tensor1D,
): tf.Tensor2D {
  const { numAttentionHeads: heads, numKeyValueHeads: groups, headDim } = config;
  const [batch, , length] = keys.shape;
  const queries = rotateAt(tf.reshape(q, [batch, heads, headDim]), tables.queries, positions);
  const grouped = tf.reshape(queries, [batch, groups, heads / groups, headDim]);
  const later = tf.greater(tf.range(0, length, 1, 'int32'), tf.reshape(positions, [batch, 1, 1, 1]));
  const mask = tf.mul(tf.cast(later, 'float32'), hidden);
  const weights = tf.softmax(tf.add(tf.matMul(grouped, keys, false, true), mask));
  return tf.reshape(tf.matMul(weights, values), [batch, heads * headDim]);
}

/**
 * Rotates one position of each row.
 *
 * @param x `[B, heads, headDim]`
 * @param positions `[B]` int32
 */
export function rotateAt(x: tf.Tensor, { cos, sin }: RopeTables, positions: tf.Tensor1D): tf.Tensor {
  const at = (table: tf.Tensor2D) => tf.expandDims(tf.gather(table, positions), 1);
  return rotate(x, at(cos), at(sin));
}
