import {
  attentionAt,
  type CacheScales,
  cachedAttention,
  causalAttention,
  type KeysAndValues,
  rotaryEmbedding,
  splitHeads,
} from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { Attend, Rows } from './layer.js';
import type { PositionTables } from './position-tables.js';

/**
 * Attention at every position of whole sequences, as in training and in reading a prompt.
 *
 * @param batch number of sequences in the states `[B * T, D]`
 */
export function atEveryPosition(tables: PositionTables, batch: number): Attend<tf.Tensor2D, KeysAndValues> {
  return (parts, normal, residual) => {
    const { heads, groups } = parts.options;
    const inputs = {
      query: rotaryEmbedding(bySequence(parts.queries(normal), batch), tables.queries, { heads }),
      key: rotaryEmbedding(bySequence(parts.keys(normal), batch), tables.keys, { heads: groups }),
      value: bySequence(parts.values(normal), batch),
    };
    const { mixed, keys, values } = causalAttention(inputs, parts.options);
    const flat: tf.Tensor2D = tf.reshape(mixed, [-1, mixed.shape[2]]);
    return { mixed: flat, residual, keys, values };
  };
}

/**
 * Attention at one position of each of whole sequences: nothing else of the states goes on.
 *
 * @param last `[B]` int32, a position in each sequence
 * @param length T of the states `[B * T, D]`
 */
export function atOnePosition(
  tables: PositionTables,
  last: tf.Tensor1D,
  length: number,
): Attend<tf.Tensor2D, KeysAndValues> {
  const [batch] = last.shape;
  return (parts, normal, states) => {
    const { heads, groups, ...scoring } = parts.options;
    const rows: tf.Tensor1D = tf.add(last, tf.range(0, batch * length, length, 'int32'));
    const k = rotaryEmbedding(bySequence(parts.keys(normal), batch), tables.keys, { heads: groups });
    const keys = splitHeads(k, groups);
    const values = splitHeads(bySequence(parts.values(normal), batch), groups);
    const q: tf.Tensor3D = tf.expandDims(parts.queries(tf.gather(normal, rows)), 1);
    const at: tf.Tensor2D = tf.expandDims(last, 1);
    const rotated = rotaryEmbedding(q, tables.queries, { heads, positions: at });
    const queries: tf.Tensor3D = tf.reshape(rotated, [batch, heads, rotated.shape[2] / heads]);
    const mixed = attentionAt({ queries, keys, values, positions: last }, scoring);
    return { mixed, residual: tf.gather(states, rows), keys, values };
  };
}

/** The cache of a layer, in float32, or in 8-bit integers with their scales. */
export type LayerCache = KeysAndValues & { readonly scales?: CacheScales | undefined };

/** The newest positions of each row, over a cache of those before them. */
export interface NewestPositions {
  readonly past: LayerCache;
  /** `[B, S]` int32 */
  readonly at: tf.Tensor2D;
  /** `[B]` int32, the last of `at` */
  readonly end: tf.Tensor1D;
  /** Chooses the rows of `[B, S, D]` that go on. */
  read(states: tf.Tensor3D): tf.Tensor3D;
}

/** Attention of the newest positions over a cache, which gets their keys and values. */
export function overCache(
  tables: PositionTables,
  { past, at, end, read }: NewestPositions,
): Attend<tf.Tensor3D, KeysAndValues> {
  return (parts, normal, states) => {
    const { heads, groups } = parts.options;
    const inputs = {
      query: rotaryEmbedding(parts.queries(normal), tables.queries, { heads, positions: at }),
      key: rotaryEmbedding(parts.keys(normal), tables.keys, { heads: groups, positions: at }),
      value: parts.values(normal),
      past,
      scales: past.scales,
      positions: end,
    };
    const { mixed, keys, values } = cachedAttention(inputs, parts.options);
    return { mixed: read(mixed), residual: read(states), keys, values };
  };
}

/** `[B * T, D]` to `[B, T, D]`. */
function bySequence(x: Rows, batch: number): tf.Tensor3D {
  return tf.reshape(x, [batch, (x.shape[0] ?? 0) / batch, x.shape[1] ?? 0]);
}
