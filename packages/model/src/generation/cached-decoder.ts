import {
  type AnyArray,
  compile,
  type DeviceName,
  disposeArrays,
  type ExecutableInfo,
  int32,
  type NDArray,
  place,
  placedOnce,
  zeros,
} from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../config/model-config.js';
import type { Weights } from '../config/weight-shapes.js';
import { continueAt, readPrompt } from '../decoder/decoder.js';
import { vocabularyLogits } from '../decoder/heads.js';
import type { ModelTensors } from '../decoder/model-tensors.js';
import {
  growingPositionArrays,
  type PositionTables,
  positionDimensions,
} from '../decoder/position-tables.js';
import type { QuantizedWeights } from '../quantize.js';

/** The cache of a batch as a tree: layer number to its keys and values, `[R, numKeyValueHeads, C, headDim]`. */
type CacheTree<T> = Readonly<Record<string, { readonly keys: T; readonly values: T }>>;

/** Completions in progress: R rows with room for C positions each. */
export interface Progress {
  readonly cache: CacheTree<AnyArray>;
  readonly rows: number;
  readonly capacity: number;
}

/** What the model says about the next token of each of N texts. */
export interface NextTokens {
  /** `[N, vocabSize]` */
  readonly logits: Float32Array;
  /** `[N]`, the first token with the largest logit. */
  readonly best: Int32Array;
  /** `[N]`, log sum exp(logits - largest logit): with it, log-probabilities need no pass over the vocabulary. */
  readonly spread: Float32Array;
}

/** The three computations of generation. Each is compiled once, for all numbers of rows and all lengths. */
export interface CachedDecoder {
  /**
   * Reads prompts of equal padded length, and gives every completion the cache of its prompt.
   *
   * @param tokens `[B, T]` int32, padded on the right
   * @param last position of the last token of each prompt
   * @param promptOf for each of the R completions, the prompt that it continues
   * @returns what comes after each of the B prompts
   */
  read(
    tokens: NDArray<'int32'>,
    last: Int32Array,
    promptOf: Int32Array,
    capacity: number,
  ): Promise<{ next: NextTokens; progress: Progress }>;
  /** Adds one token to each of the R rows, in place, and gives what comes after it. */
  advance(progress: Progress, tokens: Int32Array, positions: Int32Array): Promise<NextTokens>;
  /** Some of the rows, whose cache is another one; that of all rows is freed. */
  select(progress: Progress, rows: Int32Array): Promise<Progress>;
  /** Frees the cache of completions that have ended. */
  end(progress: Progress): void;
  /** What was compiled so far. */
  readonly executables: readonly ExecutableInfo[];
  dispose(): void;
}

/**
 * The decoder of a causal language model with a cache.
 *
 * @param fixedWeights whether the weights never change: the runtime then packs a copy of them, which makes
 *   single tokens about twice as fast. Otherwise they are read at each call.
 * @param device where to compute, and where weights and cache are; weights are copied there at the first call
 */
export function createCachedDecoder(
  config: ModelConfig,
  weights: Weights | QuantizedWeights,
  fixedWeights: boolean,
  device: DeviceName | 'auto' = 'cpu',
): CachedDecoder {
  const used = placedOnce(weights, device);
  const { headDim, numKeyValueHeads: groups } = config;
  const layerNames = Array.from({ length: config.numHiddenLayers }, (_, i) => String(i));
  const byLayer = <T>(layer: (name: string, i: number) => { keys: T; values: T }): CacheTree<T> =>
    Object.fromEntries(layerNames.map((name, i) => [name, layer(name, i)]));
  const listed = (tree: CacheTree<tf.Tensor>) =>
    layerNames.map((name) => tree[name] as { keys: tf.Tensor4D; values: tf.Tensor4D });
  const tablesFor = growingPositionArrays(config);
  const constants = fixedWeights ? ['weights'] : [];
  const cacheDimensions = { cache: ['R', null, 'C', null] } as const;

  const read = compile(
    (inputs: {
      weights: ModelTensors;
      tables: PositionTables;
      tokens: tf.Tensor2D;
      last: tf.Tensor1D;
      promptOf: tf.Tensor1D;
      cache: CacheTree<tf.Tensor>;
    }) => {
      const { weights: w, tables, tokens, last, promptOf } = inputs;
      const { state, cache } = readPrompt(config, w, tokens, last, tables);
      const put = (room: tf.Tensor4D, prompts: tf.Tensor4D) => startWith(room, tf.gather(prompts, promptOf));
      return {
        next: nextTokens(vocabularyLogits(config, w, state)),
        cache: byLayer<tf.Tensor>((name, i) => ({
          keys: put(inputs.cache[name]!.keys as tf.Tensor4D, cache[i]!.keys),
          values: put(inputs.cache[name]!.values as tf.Tensor4D, cache[i]!.values),
        })),
      };
    },
    {
      device,
      inPlace: ['cache'],
      constants,
      dimensions: {
        ...positionDimensions,
        ...cacheDimensions,
        tokens: ['B', 'T'],
        last: ['B'],
        promptOf: ['R'],
      },
    },
  );
  const advance = compile(
    (inputs: {
      weights: ModelTensors;
      tables: PositionTables;
      tokens: tf.Tensor1D;
      positions: tf.Tensor1D;
      cache: CacheTree<tf.Tensor>;
    }) => {
      const { weights: w, tables, tokens, positions } = inputs;
      const { state, cache } = continueAt(config, w, tokens, positions, listed(inputs.cache), tables);
      const next = nextTokens(vocabularyLogits(config, w, state));
      return { next, cache: byLayer<tf.Tensor>((_, i) => cache[i]!) };
    },
    {
      device,
      inPlace: ['cache'],
      constants,
      dimensions: { ...positionDimensions, ...cacheDimensions, tokens: ['R'], positions: ['R'] },
    },
  );
  const select = compile(
    (inputs: { cache: CacheTree<tf.Tensor>; rows: tf.Tensor1D }) => ({
      cache: byLayer((name) => ({
        keys: tf.gather(inputs.cache[name]!.keys, inputs.rows),
        values: tf.gather(inputs.cache[name]!.values, inputs.rows),
      })),
    }),
    { device, resident: ['cache'], dimensions: { ...cacheDimensions, rows: ['S'] } },
  );

  return {
    async read(tokens, last, promptOf, capacity) {
      const room = () => zeros([promptOf.length, groups, capacity, headDim]);
      const rooms = byLayer<AnyArray>(() => ({ keys: room(), values: room() }));
      const [cache, loaded] = [await place(rooms, device), await used.get()];
      const { next } = await read({
        weights: loaded,
        tables: tablesFor(capacity),
        tokens,
        last: int32([last.length], last),
        promptOf: int32([promptOf.length], promptOf),
        cache,
      });
      return { next: dataOf(next), progress: { cache, rows: promptOf.length, capacity } };
    },
    async advance({ cache, rows, capacity }, tokens, positions) {
      const inputs = { tokens: int32([rows], tokens), positions: int32([rows], positions) };
      const tables = tablesFor(capacity);
      const { next } = await advance({ weights: await used.get(), tables, cache, ...inputs });
      return dataOf(next);
    },
    async select({ cache, capacity }, rows) {
      const chosen = await select({ cache, rows: int32([rows.length], rows) });
      disposeArrays(cache);
      return { cache: chosen.cache as CacheTree<AnyArray>, rows: rows.length, capacity };
    },
    end: ({ cache }) => disposeArrays(cache),
    get executables() {
      return [read, advance, select].flatMap(({ executables }) => executables);
    },
    dispose() {
      for (const compiled of [read, advance, select]) compiled.dispose();
      used.dispose();
    },
  };
}

/** Beside the logits, what the host would need a pass over the vocabulary for: here it takes all threads. */
function nextTokens(logits: tf.Tensor2D) {
  const aboveMost = tf.sub(logits, tf.max(logits, 1, true));
  return { logits, best: tf.argMax(logits, 1), spread: tf.log(tf.sum(tf.exp(aboveMost), 1)) };
}

function dataOf({ logits, best, spread }: Readonly<Record<keyof NextTokens, NDArray>>): NextTokens {
  return {
    logits: logits.data as Float32Array,
    best: best.data as Int32Array,
    spread: spread.data as Float32Array,
  };
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
  const along = (axis: 0 | 1 | 2) => {
    const shape = [1, 1, 1];
    shape[axis] = -1;
    return tf.add(tf.reshape(tf.range(0, none.shape[axis]!, 1, 'int32'), shape), none);
  };
  return tf.tensorScatterUpdate(room, tf.stack([along(0), along(1), along(2)], -1), filled);
}
