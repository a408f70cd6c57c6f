import {
  type AnyArray,
  compile,
  type DeviceName,
  disposeArrays,
  type ExecutableInfo,
  int32,
  type KeysAndValues,
  type NDArray,
  type Precision,
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
  growingContinuationArrays,
  growingPositionArrays,
  type PositionTables,
  positionDimensions,
} from '../decoder/position-tables.js';
import { type AdaptableTensors, joinAdapter, type PlacedAdapter } from '../lora/adapter.js';
import type { LoraConfig } from '../lora/lora-config.js';
import type { FixedWeights } from '../opening/packed-file.js';
import type { QuantizedWeights } from '../quantize.js';

/** The cache of a batch as a tree: layer number to its keys and values, `[R, numKeyValueHeads, C, headDim]`. */
type CacheTree<T> = Readonly<Record<string, { readonly keys: T; readonly values: T }>>;

/** Completions in progress: R rows with room for C positions each. */
export interface Progress {
  readonly cache: CacheTree<AnyArray>;
  readonly rows: number;
  readonly capacity: number;
}

/** Distribution of the next token of each of N texts. */
export interface NextTokens {
  /** `[N, vocabSize]` */
  readonly logits: Float32Array;
  /** `[N]`, the first token with the largest logit. */
  readonly best: Int32Array;
  /** `[N]`, log sum exp(logits - largest logit): with it, log-probabilities need no pass over the vocabulary. */
  readonly spread: Float32Array;
}

/** Weights of any form that a decoder reads. */
type LoadedWeights = Weights | QuantizedWeights | FixedWeights;

/** The computations of generation. Each is compiled once, for all numbers of rows and all lengths. */
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
  /** Executables that were compiled so far. */
  readonly executables: readonly ExecutableInfo[];
  dispose(): void;
}

/** Settings of `createCachedDecoder`. */
interface CachedDecoderOptions {
  /** Device of the computation, the weights and the cache; weights are copied there at the first call. @default 'cpu' */
  readonly device?: DeviceName | 'auto' | undefined;
  /** Precision of matrix products. @default 'float32' */
  readonly products?: Precision | undefined;
  /** Is read at each call, also where the weights under it are fixed. @default none */
  readonly adapter?: PlacedAdapter | undefined;
}

/**
 * The decoder of a causal language model with a cache.
 *
 * @param fixedWeights whether the weights never change: the runtime then packs a copy of them, which makes
 *   single tokens about twice as fast. Otherwise they are read at each call.
 */
export function createCachedDecoder(
  config: ModelConfig,
  weights: LoadedWeights,
  fixedWeights: boolean,
  { device = 'cpu', products = 'float32', adapter }: CachedDecoderOptions = {},
): CachedDecoder {
  const used = placedOnce(weights, device);
  const { headDim, numKeyValueHeads: groups, numHiddenLayers } = config;
  const promptTables = growingPositionArrays(config);
  const nextTables = growingContinuationArrays(config);
  const constants = fixedWeights ? ['weights'] : [];
  const options = { device, precision: products, constants, lora: adapter?.lora };
  const own = adapter?.weights ?? {};
  const read = compileRead(config, options);
  const advance = compileAdvance(config, options);
  const head = compileHead(config, options);
  const select = compileSelect(device);

  return {
    async read(tokens, last, promptOf, capacity) {
      const room = () => zeros([promptOf.length, groups, capacity, headDim]);
      const rooms = layerTree<AnyArray>(
        Array.from({ length: numHiddenLayers }, () => ({ keys: room(), values: room() })),
      );
      const [cache, loaded] = [await place(rooms, device), await used.get()];
      const { states } = await read({
        ...{ weights: loaded, adapter: own },
        tables: promptTables(tokens.shape[1] ?? 0),
        tokens,
        last: int32([last.length], last),
        promptOf: int32([promptOf.length], promptOf),
        cache,
      });
      const next = await nextAfter(head, loaded, states);
      return { next, progress: { cache, rows: promptOf.length, capacity } };
    },
    async advance({ cache, rows, capacity }, tokens, positions) {
      const inputs = { tokens: int32([rows], tokens), positions: int32([rows], positions) };
      const tables = nextTables(capacity);
      const loaded = await used.get();
      const { states } = await advance({ weights: loaded, adapter: own, tables, cache, ...inputs });
      return nextAfter(head, loaded, states);
    },
    async select({ cache, capacity }, rows) {
      const chosen = await select({ cache, rows: int32([rows.length], rows) });
      disposeArrays(cache);
      return { cache: chosen.cache as CacheTree<AnyArray>, rows: rows.length, capacity };
    },
    end: ({ cache }) => disposeArrays(cache),
    get executables() {
      return [read, advance, head, select].flatMap(({ executables }) => executables);
    },
    dispose() {
      for (const compiled of [read, advance, head, select]) compiled.dispose();
      used.dispose();
    },
  };
}

interface DecoderOptions {
  readonly device: DeviceName | 'auto';
  readonly precision: Precision;
  readonly constants: readonly string[];
  readonly lora: LoraConfig | undefined;
}

const CACHE_DIMENSIONS = { cache: ['R', null, 'C', null] } as const;

/** Reading prompts: what comes after each, and the cache of every completion that continues one of them. */
function compileRead(config: ModelConfig, { lora, ...options }: DecoderOptions) {
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
      const put = (room: tf.Tensor4D, prompt: tf.Tensor4D) => startWith(room, tf.gather(prompt, promptOf));
      const filled = zip(layersOf(inputs.cache), prompts).map(([room, prompt]) => ({
        keys: put(room.keys, prompt.keys),
        values: put(room.values, prompt.values),
      }));
      return { states: state, cache: layerTree<tf.Tensor>(filled) };
    },
    {
      ...options,
      inPlace: ['cache'],
      resident: ['states'],
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

/** One more token of each completion. */
function compileAdvance(config: ModelConfig, { lora, ...options }: DecoderOptions) {
  const joined = joinAdapter(config, lora);
  return compile(
    (
      inputs: AdaptableTensors & {
        tables: PositionTables;
        tokens: tf.Tensor1D;
        positions: tf.Tensor1D;
        cache: CacheTree<tf.Tensor>;
      },
    ) => {
      const { tables, tokens, positions } = inputs;
      const weights = joined(inputs);
      const past = layersOf(inputs.cache);
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

/**
 * The next token from the states before the final norm. It is a function of its own, so that the largest matrix of a small model
 * is packed once, and not once for prompts and once more for single tokens.
 */
function compileHead(config: ModelConfig, { lora: _, ...options }: DecoderOptions) {
  return compile(
    ({ weights, states }: { weights: ModelTensors; states: tf.Tensor2D }) => ({
      next: nextTokens(vocabularyLogits(config, weights, states)),
    }),
    { ...options, dimensions: { states: ['N', null] } },
  );
}

/** Computes what comes after the states, and frees them. */
async function nextAfter(
  head: ReturnType<typeof compileHead>,
  weights: LoadedWeights,
  states: AnyArray,
): Promise<NextTokens> {
  const read = Object.entries(weights).filter(([name]) => !name.startsWith('model.layers.'));
  const { next } = await head({ weights: Object.fromEntries(read), states });
  disposeArrays({ states });
  return dataOf(next);
}

/** The cache of some of the rows. */
function compileSelect(device: DeviceName | 'auto') {
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

function layerTree<T>(layers: readonly { readonly keys: T; readonly values: T }[]): CacheTree<T> {
  return Object.fromEntries(layers.map(({ keys, values }, i) => [String(i), { keys, values }]));
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

/** Computes, with the logits, what would take the host a pass over the vocabulary: here it takes all threads. */
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
  const along = (count: number, shape: number[]) =>
    tf.add(tf.reshape(tf.range(0, count, 1, 'int32'), shape), none);
  const places = [along(rows, [-1, 1, 1]), along(groups, [1, -1, 1]), along(length, [1, 1, -1])];
  return tf.tensorScatterUpdate(room, tf.stack(places, -1), filled);
}
