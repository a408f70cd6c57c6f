import * as tf from '@tensorflow/tfjs';
import type { LlamaConfig } from '../config/llama-config.js';
import { type RopeTables, ropeTables, rotate } from './rope.js';

/** What the score of a key that must not be seen becomes; exp of it is zero in float32. */
const hidden = -1e9;

/** Constants that all layers of a forward pass share. */
export interface AttentionTables {
  readonly keys: RopeTables;
  readonly queries: RopeTables;
  /** `[T, T]`: zero where query t may see key s <= t. */
  readonly causal: tf.Tensor2D;
}

/** Position tables and causal mask for sequences of `length` tokens. */
export function attentionTables(config: LlamaConfig, length: number): AttentionTables {
  const mask = new Float32Array(length * length);
  for (let t = 0; t < length; t++) mask.fill(hidden, t * length + t + 1, (t + 1) * length);
  return {
    keys: ropeTables(config, length),
    queries: ropeTables(config, length, 1 / Math.sqrt(config.headDim)),
    causal: tf.tensor2d(mask, [length, length]),
  };
}

/** `[B*T, heads * headDim]` to `[B, heads, T, headDim]`. */
function splitHeads(x: tf.Tensor, batch: number, heads: number, headDim: number): tf.Tensor {
  return tf.transpose(tf.reshape(x, [batch, -1, heads, headDim]), [0, 2, 1, 3]);
}

/**
 * Causal attention of every position with grouped queries (Ainslie et al. 2023).
 *
 * The query rows of a group are laid one under the other, so that keys and values are never
 * repeated. Padding on the right needs no mask: no real position sees it.
 *
 * @param q `[B*T, numAttentionHeads * headDim]`
 * @param k `[B*T, numKeyValueHeads * headDim]`, as `v`
 * @returns `[B*T, numAttentionHeads * headDim]`
 */
export function causalAttention(
  config: LlamaConfig,
  tables: AttentionTables,
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  batch: number,
): tf.Tensor2D {
  const { numAttentionHeads: heads, numKeyValueHeads: groups, headDim } = config;
  const length = tables.causal.shape[0];
  const rows = (heads / groups) * length;
  const queries = rotate(splitHeads(q, batch, heads, headDim), tables.queries.cos, tables.queries.sin);
  const keys = rotate(splitHeads(k, batch, groups, headDim), tables.keys.cos, tables.keys.sin);
  const values = splitHeads(v, batch, groups, headDim);
  const scores = tf.matMul(tf.reshape(queries, [batch, groups, rows, headDim]), keys, false, true);
  const masked = tf.add(tf.reshape(scores, [batch, heads, length, length]), tables.causal);
  const weights = tf.reshape(tf.softmax(masked), [batch, groups, rows, length]);
  const mixed = tf.reshape(tf.matMul(weights, values), [batch, heads, length, headDim]);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [-1, heads * headDim]);
}

/**
 * Attention of one position in each row over the positions up to it.
 *
 * @param q `[B, numAttentionHeads * headDim]`, the queries at `last`
 * @param k `[B*T, numKeyValueHeads * headDim]`, as `v`
 * @param last `[B]` int32, the position of each query
 * @returns `[B, numAttentionHeads * headDim]`
 */
export function attentionAt(
  config: LlamaConfig,
  tables: AttentionTables,
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  last: tf.Tensor1D,
): tf.Tensor2D {
  const { numAttentionHeads: heads, numKeyValueHeads: groups, headDim } = config;
  const batch = last.shape[0];
  const length = tables.causal.shape[0];
  const perQuery = (table: tf.Tensor) => tf.reshape(tf.gather(table, last), [batch, 1, headDim / 2]);
  const queries = rotate(
    tf.reshape(q, [batch, heads, headDim]),
    perQuery(tables.queries.cos),
    perQuery(tables.queries.sin),
  );
  const keys = rotate(splitHeads(k, batch, groups, headDim), tables.keys.cos, tables.keys.sin);
  const values = splitHeads(v, batch, groups, headDim);
  const grouped = tf.reshape(queries, [batch, groups, heads / groups, headDim]);
  const mask = tf.reshape(tf.gather(tables.causal, last), [batch, 1, 1, length]);
  const weights = tf.softmax(tf.add(tf.matMul(grouped, keys, false, true), mask));
  return tf.reshape(tf.matMul(weights, values), [batch, heads * headDim]);
}
