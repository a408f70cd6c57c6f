import { compile, type DeviceName, type KeysAndValues, type Precision, roundedForCache } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../config/model-config.js';
import type { LayerCache } from '../decoder/attention.js';
import { cacheScales } from '../decoder/cache-scales.js';
import { continueAt, extendAtEach, readPrompt } from '../decoder/decoder.js';
import { vocabularyLogits } from '../decoder/heads.js';
import type { ModelTensors } from '../decoder/model-tensors.js';
import { type PositionTables, positionDimensions } from '../decoder/position-tables.js';
import { type AdaptableTensors, joinAdapter } from '../lora/adapter.js';
import type { LoraConfig } from '../lora/lora-config.js';

/** The cache of a batch as a tree: layer number to its keys and values, `[R, numKeyValueHeads, C, headDim]`. */
export type CacheTree<T> = Readonly<Record<string, { readonly keys: T; readonly values: T }>>;

/** Element type of a cache: float32, or 8-bit integers with scales from the prompts. */
export type CachePrecision = 'float32' | 'int8';

/** Settings of the computations. */
export interface DecoderOptions {
  readonly device: DeviceName | 'auto';
  readonly precision: Precision;
  readonly constants: readonly string[];
  readonly lora: LoraConfig | undefined;
  readonly cachePrecision: CachePrecision;
}

const CACHE_DIMENSIONS = { cache: ['R', null, 'C', null] } as const;

/**
 * Compiles the function that reads prompts: it gives the state at the end of each, and fills the caches of their completions. A cache
 * in integers has `scales`, in the tree of a cache; for one in float32 that tree is empty.
 */
export function compileRead(config: ModelConfig, { lora, cachePrecision, ...options }: DecoderOptions) {
  const joined = joinAdapter(config, lora);
  return compile(
    (
      inputs: AdaptableTensors & {
        tables: PositionTables;
        tokens: tf.Tensor2D;
        last: tf.Tensor1D;
        promptOf: tf.Tensor1D;
        cache: CacheTree<tf.Tensor>;
      },
    ) => {
      const { tables, tokens, last, promptOf } = inputs;
      const weights = joined(inputs);
      const { state, cache: prompts } = readPrompt(config, weights, tokens, last, tables);
      const scales = cachePrecision === 'int8' ? prompts.map((prompt) => cacheScales(prompt, last)) : [];
      const put = (room: tf.Tensor4D, prompt: tf.Tensor4D, scale: tf.Tensor3D | undefined) =>
        startWith(room, tf.gather(scale === undefined ? prompt : roundedForCache(prompt, scale), promptOf));
      const filled = zip(layersOf(inputs.cache), prompts).map(([room, prompt], i) => ({
        keys: put(room.keys, prompt.keys, scales[i]?.keys),
        values: put(room.values, prompt.values, scales[i]?.values),
      }));
      return { states: state, cache: layerTree<tf.Tensor>(filled), scales: layerTree<tf.Tensor>(scales) };
    },
    {
      ...options,
      inPlace: ['cache'],
      resident: ['states', 'scales'],
      dimensions: {
        ...positionDimensions,
        ...CACHE_DIMENSIONS,
        tokens: ['B', 'T'],
        last: ['B'],
        promptOf: ['R'],
      },
    },
  );
}

/** Compiles the function that reads one more token of each completion. */
export function compileAdvance(config: ModelConfig, { lora, cachePrecision: _, ...options }: DecoderOptions) {
  const joined = joinAdapter(config, lora);
  return compile(
    (
      inputs: AdaptableTensors & {
        tables: PositionTables;
        tokens: tf.Tensor1D;
        positions: tf.Tensor1D;
        cache: CacheTree<tf.Tensor>;
        scales: CacheTree<tf.Tensor>;
      },
    ) => {
      const { tables, tokens, positions } = inputs;
      const weights = joined(inputs);
      const past = withScales(layersOf(inputs.cache), inputs.scales);
      const { state, cache } = continueAt(config, weights, tokens, positions, past, tables);
      return { states: state, cache: layerTree<tf.Tensor>(cache) };
    },
    {
      ...options,
      inPlace: ['cache'],
      resident: ['states'],
      dimensions: { ...positionDimensions, ...CACHE_DIMENSIONS, tokens: ['R'], positions: ['R'] },
    },
  );
}

/** Compiles the function that reads several more tokens of a single completion. */
export function compileExtend(config: ModelConfig, { lora, cachePrecision: _, ...options }: DecoderOptions) {
  const joined = joinAdapter(config, lora);
  return compile(
    (
      inputs: AdaptableTensors & {
        tables: PositionTables;
        tokens: tf.Tensor2D;
        positions: tf.Tensor2D;
        end: tf.Tensor1D;
        cache: CacheTree<tf.Tensor>;
      },
    ) => {
      const { weights: _, adapter: __, tables, cache: past, ...newest } = inputs;
      const { state, cache } = extendAtEach(config, joined(inputs), newest, layersOf(past), tables);
      return { states: state, cache: layerTree<tf.Tensor>(cache) };
    },
    {
      ...options,
      inPlace: ['cache'],
      resident: ['states'],
      dimensions: {
        ...positionDimensions,
        tokens: [null, 'S'],
        positions: [null, 'S'],
        cache: [null, null, 'C', null],
      },
    },
  );
}

/**
 * Compiles the function from states before the final norm to the logits of the next tokens. It is a function of its own, so that
 * the largest matrix of a small model is packed once, and not once for prompts and once more for single tokens.
 */
export function compileHead(
  config: ModelConfig,
  { lora: _, cachePrecision: __, ...options }: DecoderOptions,
) {
  return compile(
    ({ weights, states }: { weights: ModelTensors; states: tf.Tensor2D }) => ({
      next: nextTokens(vocabularyLogits(config, weights, states)),
    }),
    { ...options, dimensions: { states: ['N', null] } },
  );
}

/** Compiles the function from states to the most likely next tokens and their probabilities, which greedy decoding needs. */
export function compileWinners(
  config: ModelConfig,
  { lora: _, cachePrecision: __, ...options }: DecoderOptions,
) {
  return compile(
    ({ weights, states }: { weights: ModelTensors; states: tf.Tensor2D }) => {
      const { best, spread } = nextTokens(vocabularyLogits(config, weights, states));
      return { next: { best, spread } };
    },
    { ...options, dimensions: { states: ['N', null] } },
  );
}

/** Compiles the function that keeps some rows of a cache. */
export function compileSelect(device: DeviceName | 'auto') {
  return compile(
    ({ cache, rows }: { cache: CacheTree<tf.Tensor>; rows: tf.Tensor1D }) => ({
      cache: layerTree<tf.Tensor>(
        layersOf(cache).map(({ keys, values }) => ({
          keys: tf.gather(keys, rows),
          values: tf.gather(values, rows),
        })),
      ),
    }),
    { device, resident: ['cache'], dimensions: { ...CACHE_DIMENSIONS, rows: ['S'] } },
  );
}

export function layerTree<T>(layers: readonly { readonly keys: T; readonly values: T }[]): CacheTree<T> {
  return Object.fromEntries(layers.map(({ keys, values }, i) => [String(i), { keys, values }]));
}

/** The layers of a cache with their scales, which a cache in float32 does not have. */
function withScales(layers: readonly KeysAndValues[], scales: CacheTree<tf.Tensor>): LayerCache[] {
  // Scales have three axes.
  const all = Object.values(scales) as NonNullable<LayerCache['scales']>[];
  return layers.map((layer, i) => ({ ...layer, scales: all[i] }));
}

/** The layers of a cache in their order: keys that are whole numbers come in theirs. */
function layersOf(tree: CacheTree<tf.Tensor>): KeysAndValues[] {
  // Caches have four axes.
  return Object.values(tree) as KeysAndValues[];
}

function zip<A, B>(a: readonly A[], b: readonly B[]): [A, B][] {
  return a.flatMap((item, i) => {
    const other = b[i];
    return other === undefined ? [] : [[item, other] as [A, B]];
  });
}

/** Adds the most likely token and the log of the sum of exponentials to logits. The host would need a pass over the vocabulary. */
function nextTokens(logits: tf.Tensor2D) {
  const aboveMost = tf.sub(logits, tf.max(logits, 1, true));
  return { logits, best: tf.argMax(logits, 1), spread: tf.log(tf.sum(tf.exp(aboveMost), 1)) };
}

/**
 * A cache with its first T positions filled.
 *
 * @param room `[R, groups, C, headDim]`
 * @param filled `[R, groups, T, headDim]`
 */
function startWith(room: tf.Tensor4D, filled: tf.Tensor4D): tf.Tensor {
  const [rows, groups, length] = filled.shape;
  const none = tf.zeros([rows, groups, length], 'int32');
  const along = (count: number, shape: number[]) =>
    tf.add(tf.reshape(tf.range(0, count, 1, 'int32'), shape), none);
  const places = [along(rows, [-1, 1, 1]), along(groups, [1, -1, 1]), along(length, [1, 1, -1])];
  return tf.tensorScatterUpdate(room, tf.stack(places, -1), filled);
}
