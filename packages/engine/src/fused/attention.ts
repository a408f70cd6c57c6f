import * as tf from '@tensorflow/tfjs-core';
import { fusedKernel, isDifferentiated, traceTarget } from './kernel.js';
import { recompute } from './recompute.js';

/** Score of a key that must not be seen. Its exponential is zero in float32. */
const HIDDEN = -1e9;

/** Numbers of heads. Each of the `groups` heads of keys and values serves `heads / groups` heads of queries. */
export interface Heads {
  readonly heads: number;
  readonly groups: number;
}

/** Numbers of heads, and changes of the scores. */
export interface AttentionOptions extends Heads {
  /** Scores s become cap * tanh(s / cap) before the softmax (Gemma 2). @default no cap */
  readonly softCap?: number | undefined;
  /** Number of positions that a query sees, its own included. @default all positions up to its own */
  readonly window?: number | undefined;
}

/** Keys and values of each head and position, `[B, groups, C, headDim]`. */
export interface KeysAndValues {
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
}

/** Scales of a cache in 8-bit integers, one for each feature of a head, `[groups, 1, headDim]`: value = integer * scale. */
export interface CacheScales {
  readonly keys: tf.Tensor3D;
  readonly values: tf.Tensor3D;
}

/** Projections of T positions of each row, as they leave their matrices. */
export interface AttentionInputs {
  /** `[B, T, heads * headDim]`, scaled by 1/sqrt(headDim) */
  readonly query: tf.Tensor3D;
  /** `[B, T, groups * headDim]` */
  readonly key: tf.Tensor3D;
  /** `[B, T, groups * headDim]` */
  readonly value: tf.Tensor3D;
}

/**
 * Causal attention of every position over itself and the positions before it, with grouped queries (Ainslie et al. 2023). It is
 * traced as `GroupQueryAttention` for the CPU, and as a composition where its gradient is computed. The gradient computes the
 * weights of the keys again: kept, they would be the largest part of a long sequence's memory. Padding on the right needs no mask,
 * because no real position sees it.
 *
 * @returns the mixed values `[B, T, heads * headDim]`, and keys and values by head, `[B, groups, T, headDim]`
 */
export function causalAttention(
  { query, key, value }: AttentionInputs,
  options: AttentionOptions,
): { mixed: tf.Tensor3D } & KeysAndValues {
  const { heads, groups } = options;
  const plain = () => {
    const [keys, values] = [splitHeads(key, groups), splitHeads(value, groups)];
    const queries = splitHeads(query, heads);
    const mixed = recompute((given) => causalComposition(given, options), { queries, keys, values });
    return [mixed, keys, values];
  };
  const [mixed, keys, values] =
    isDifferentiated() || !hasOperator(query, heads)
      ? plain()
      : fusedKernel('GramCausalAttention', { query, key, value }, attributesOf(options), plain);
  return { mixed: mixed as tf.Tensor3D, keys: keys as tf.Tensor4D, values: values as tf.Tensor4D };
}

/**
 * Attention of the newest positions of each row over a cache. It puts their keys and values into the cache, and mixes the values
 * up to each of them. It is traced as `GroupQueryAttention` for the CPU, which updates the cache in its own memory and takes
 * several new positions of one row, or one of each of several rows. It has no gradient.
 *
 * A cache in 8-bit integers gets the new keys and values rounded by its scales; what is beyond 127 scales becomes that. Only the CPU
 * has the operator for it; elsewhere, and for heads whose width is no multiple of 8, all integers are converted at each call.
 *
 * @param inputs projections of the new positions
 * @param inputs.past room for C positions, of which those before the new ones are filled; int8 with `scales`
 * @param inputs.scales scales of a cache in integers. @default a cache in float32
 * @param inputs.positions `[B]` int32, the position of the last new key and value in each row
 * @returns the mixed values `[B, T, heads * headDim]`, and the cache with the new positions in it
 */
export function cachedAttention(
  {
    query,
    key,
    value,
    past,
    scales,
    positions,
  }: AttentionInputs & {
    readonly past: KeysAndValues;
    readonly scales?: CacheScales | undefined;
    readonly positions: tf.Tensor1D;
  },
  options: AttentionOptions,
): { mixed: tf.Tensor3D } & KeysAndValues {
  const ofScales = { keyScales: scales?.keys, valueScales: scales?.values };
  const inputs = { query, key, value, pastKeys: past.keys, pastValues: past.values, positions, ...ofScales };
  const plain = () => {
    const own = newPositions(query.shape[1], positions);
    const [now, seen] = [
      put(past.keys, splitHeads(key, options.groups), own, scales?.keys),
      put(past.values, splitHeads(value, options.groups), own, scales?.values),
    ];
    const [keys, values] = [widened(now, scales?.keys), widened(seen, scales?.values)];
    return [attentionOverCache({ query, keys, values, positions: own }, options), now, seen];
  };
  const [mixed, keys, values] = hasOperator(query, options.heads)
    ? fusedKernel('GramCachedAttention', inputs, attributesOf(options), plain)
    : plain();
  return { mixed: mixed as tf.Tensor3D, keys: keys as tf.Tensor4D, values: values as tf.Tensor4D };
}

/** Attributes for the mapping of the operator, without those that are undefined. */
function attributesOf({ heads, groups, softCap, window }: AttentionOptions): tf.NamedAttrMap {
  return {
    heads,
    groups,
    ...(softCap !== undefined && { softCap }),
    ...(window !== undefined && { window }),
  };
}

/** Computes the positions `[B, S]` int32 of S new tokens in each row from the last of them. */
function newPositions(count: number, last: tf.Tensor1D): tf.Tensor2D {
  const first = tf.sub(tf.expandDims(last, 1), tf.scalar(count - 1, 'int32'));
  return tf.add(first, tf.range(0, count, 1, 'int32')) as tf.Tensor2D;
}

/**
 * Tells whether `GroupQueryAttention` can be used. It takes heads whose width is a multiple of 8. On CUDA it has no
 * float32 form; on WebGPU its results were wrong from 32 positions on (ONNX Runtime 1.30, software GPU).
 */
function hasOperator(query: tf.Tensor3D, heads: number): boolean {
  return (query.shape[2] / heads) % 8 === 0 && traceTarget() === 'cpu';
}

/**
 * Attention of one position in each row over the positions up to it.
 *
 * @param inputs keys and values of C positions
 * @param inputs.queries `[B, heads, headDim]`, scaled by 1/sqrt(headDim)
 * @param inputs.positions `[B]` int32, the position of each query
 * @returns `[B, heads * headDim]`
 */
export function attentionAt(
  {
    queries,
    keys,
    values,
    positions,
  }: KeysAndValues & { readonly queries: tf.Tensor3D; readonly positions: tf.Tensor1D },
  { softCap, window }: Omit<AttentionOptions, keyof Heads> = {},
): tf.Tensor2D {
  const [batch, heads, headDim] = queries.shape;
  const [, groups, length] = keys.shape;
  const grouped = tf.reshape(queries, [batch, groups, heads / groups, headDim]);
  const own = tf.reshape(positions, [batch, 1, 1, 1]);
  const scores = capped(tf.matMul(grouped, keys, false, true), softCap);
  const weights = tf.softmax(tf.add(scores, maskFor(own, length, window)));
  return tf.reshape(tf.matMul(weights, values), [batch, heads * headDim]);
}

/**
 * Attention of several positions in each row over the positions up to each.
 *
 * @param inputs keys and values of C positions
 * @param inputs.query `[B, S, heads * headDim]`
 * @param inputs.positions `[B, S]` int32
 * @returns `[B, S, heads * headDim]`
 */
function attentionOverCache(
  {
    query,
    keys,
    values,
    positions,
  }: KeysAndValues & { readonly query: tf.Tensor3D; readonly positions: tf.Tensor2D },
  { heads, groups, softCap, window }: AttentionOptions,
): tf.Tensor {
  const [batch, count, width] = query.shape;
  const length = keys.shape[2];
  const grouped = tf.reshape(splitHeads(query, heads), [batch, groups, -1, width / heads]);
  const mask = tf.expandDims(maskFor(tf.expandDims(positions, 2), length, window), 1);
  const products = capped(tf.matMul(grouped, keys, false, true), softCap);
  const scores = tf.reshape(products, [batch, heads, count, length]);
  const weights = tf.reshape(tf.softmax(tf.add(scores, mask)), [batch, groups, -1, length]);
  const mixed = tf.reshape(tf.matMul(weights, values), [batch, heads, count, width / heads]);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, count, width]);
}

/** Brings `[B, T, heads * headDim]` into the layout by head, `[B, heads, T, headDim]`. */
export function splitHeads(x: tf.Tensor3D, heads: number): tf.Tensor4D {
  const [batch, length, width] = x.shape;
  return tf.transpose(tf.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

/** Number of rows of queries that are computed together, without the keys that come after the last of them. */
const BLOCK_ROWS = 128;

/** @returns `[B, T, heads * headDim]` */
function causalComposition(
  { queries, keys, values }: { queries: tf.Tensor4D } & KeysAndValues,
  options: AttentionOptions,
): tf.Tensor {
  const [batch, heads, length, headDim] = queries.shape;
  const blocks = length % BLOCK_ROWS === 0 ? length / BLOCK_ROWS : 1;
  const rows = length / blocks;
  const parts = blocks === 1 ? [queries] : (tf.split(queries, blocks, 2) as tf.Tensor4D[]);
  const mixed = parts.map((part, i) => {
    const seen = (i + 1) * rows;
    const upTo = (all: tf.Tensor4D) =>
      seen === length ? all : tf.slice(all, [0, 0, 0, 0], [-1, -1, seen, -1]);
    return blockAttention(part, { keys: upTo(keys), values: upTo(values) }, options);
  });
  const all = tf.concat(mixed, 2);
  return tf.reshape(tf.transpose(all, [0, 2, 1, 3]), [batch, length, heads * headDim]);
}

/**
 * Attention of the last Q of C positions. The rows of a group's queries are put one under the other, so that keys and values are
 * never repeated.
 *
 * @param queries `[B, heads, Q, headDim]`
 * @param seen keys and values of the C positions
 * @returns `[B, heads, Q, headDim]`
 */
function blockAttention(
  queries: tf.Tensor4D,
  { keys, values }: KeysAndValues,
  { softCap, window }: AttentionOptions,
): tf.Tensor4D {
  const [batch, heads, count, headDim] = queries.shape;
  const [, groups, length] = keys.shape;
  const rows = (heads / groups) * count;
  const products = tf.matMul(tf.reshape(queries, [batch, groups, rows, headDim]), keys, false, true);
  const scores = tf.reshape(capped(products, softCap), [batch, heads, count, length]);
  const own = tf.expandDims(tf.range(length - count, length, 1, 'int32'), 1);
  const masked = tf.add(scores, maskFor(own, length, window));
  const weights = tf.reshape(tf.softmax(masked), [batch, groups, rows, length]);
  return tf.reshape(tf.matMul(weights, values), [batch, heads, count, headDim]);
}

/** Computes cap * tanh(scores / cap), or gives the scores as they are. */
function capped(scores: tf.Tensor, cap: number | undefined): tf.Tensor {
  return cap === undefined ? scores : tf.mul(tf.tanh(tf.div(scores, cap)), cap);
}

/**
 * Makes a mask that is zero where a query sees a key, and a large negative number elsewhere.
 *
 * @param own `[..., 1]` int32, the position of each query
 * @returns `[..., length]`
 */
function maskFor(own: tf.Tensor, length: number, window: number | undefined): tf.Tensor {
  const keys = tf.range(0, length, 1, 'int32');
  const later = tf.greater(keys, own);
  if (window === undefined) return tf.mul(tf.cast(later, 'float32'), HIDDEN);
  const earlier = tf.lessEqual(keys, tf.sub(own, tf.scalar(window, 'int32')));
  return tf.mul(tf.cast(tf.logicalOr(later, earlier), 'float32'), HIDDEN);
}

/**
 * Rounds keys or values to the integers of a cache, to the nearest one, of equally near ones to the even one.
 *
 * @param x `[B, groups, T, headDim]`
 * @param scales `[groups, 1, headDim]`
 * @returns the shape of `x`, int8
 */
export function roundedForCache(x: tf.Tensor4D, scales: tf.Tensor3D): tf.Tensor4D {
  return fusedKernel('GramRoundForCache', { x, scales }, {}, () => [
    tf.cast(tf.clipByValue(tf.round(tf.div(x, scales)), -127, 127), 'int32'),
  ])[0] as tf.Tensor4D;
}

/** The values that a cache in integers stands for; a cache in float32 as it is. */
function widened(cache: tf.Tensor4D, scales: tf.Tensor3D | undefined): tf.Tensor4D {
  return scales === undefined ? cache : tf.mul(tf.cast(cache, 'float32'), scales);
}

/**
 * Puts keys or values `[B, groups, S, headDim]` into the cache at `positions` `[B, S]`. The update takes the cache as it is: a reshaped
 * one could not be updated in its own memory.
 */
function put(
  past: tf.Tensor4D,
  newest: tf.Tensor4D,
  positions: tf.Tensor2D,
  scales: tf.Tensor3D | undefined,
): tf.Tensor4D {
  const [batch, groups, , headDim] = past.shape;
  const row = tf.reshape(tf.range(0, batch, 1, 'int32'), [batch, 1, 1]);
  const group = tf.reshape(tf.range(0, groups, 1, 'int32'), [1, groups, 1]);
  const indices = [row, group, tf.expandDims(positions, 1)];
  const zero = tf.mul(
    indices.reduce((sum, each) => tf.add(sum, each)),
    tf.scalar(0, 'int32'),
  );
  const places = tf.stack(
    indices.map((each) => tf.add(each, zero)),
    -1,
  );
  const byHead = tf.reshape(scales === undefined ? newest : roundedForCache(newest, scales), [-1, headDim]);
  return tf.tensorScatterUpdate(past, tf.reshape(places, [-1, indices.length]), byHead) as tf.Tensor4D;
}
