import {
  type AnyArray,
  type DeviceName,
  disposeArrays,
  type ExecutableInfo,
  int8,
  int32,
  type NDArray,
  type Precision,
  place,
  placedOnce,
  zeros,
} from '@gram/engine';
import { type ModelConfig, sharedLength } from '../config/model-config.js';
import type { Weights } from '../config/weight-shapes.js';
import { growingContinuationArrays, growingPositionArrays } from '../decoder/position-tables.js';
import type { PlacedAdapter } from '../lora/adapter.js';
import type { FixedWeights } from '../opening/packed-file.js';
import type { QuantizedWeights } from '../quantize.js';
import {
  type CachePrecision,
  type CacheTree,
  compileAdvance,
  compileExtend,
  compileHead,
  compileRead,
  compileSelect,
  compileWinners,
  type DecoderOptions,
  layerTree,
} from './computations.js';

/** Completions in progress: R rows with room for C positions each. */
export interface Progress {
  readonly cache: CacheTree<AnyArray>;
  /** Scales of a cache in integers; empty for one in float32. */
  readonly scales: CacheTree<AnyArray>;
  readonly rows: number;
  readonly capacity: number;
}

/** Distribution of the next token of each of N texts. */
export interface NextTokens {
  /** `[N, vocabSize]`; undefined where only the winners were asked for. */
  readonly logits: Float32Array | undefined;
  /** `[N]`, the first token with the largest logit. */
  readonly best: Int32Array;
  /** `[N]`, log sum exp(logits - largest logit): with it, log-probabilities need no pass over the vocabulary. */
  readonly spread: Float32Array;
}

/** Output of the language head for the next tokens: all logits, or the most likely token alone, which greedy decoding needs. */
export type Wanted = 'logits' | 'winners';

/** Prompts and their completions. */
export interface Prompts {
  /** `[B, T]` int32, padded on the right. */
  readonly tokens: NDArray<'int32'>;
  /** `[B]`, position of the last token of each prompt. */
  readonly last: Int32Array;
  /** `[R]`, the prompt that each completion continues. */
  readonly promptOf: Int32Array;
  /** Positions for which the cache gets room. */
  readonly capacity: number;
}

/** The newest token of each row and its position, `[R]`. */
export interface Newest {
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
}

/** Weights of any form that a decoder reads. */
type LoadedWeights = Weights | QuantizedWeights | FixedWeights;

/** The computations of generation. Each is compiled once, for all numbers of rows and all lengths. */
export interface CachedDecoder {
  /** Reads prompts of equal padded length, and gives every completion the cache of its prompt. */
  read(prompts: Prompts, wanted: Wanted): Promise<{ next: NextTokens; progress: Progress }>;
  /** Adds one token to each of the R rows, in place, and gives what comes after it. */
  advance(progress: Progress, newest: Newest, wanted: Wanted): Promise<NextTokens>;
  /**
   * Whether `extend` may be used, as it gives a row the numbers of `advance` but for rounding, in less time. Products of 8-bit integers and of half
   * precision round a token by the company that it is read in, and those of 4-bit integers take a time for each row. A cache in integers
   * is not extended either.
   */
  canExtend(progress: Progress): boolean;
  /** Adds several tokens to the only row, in place, and gives what comes after each of them: `[S]`. */
  extend(progress: Progress, tokens: readonly number[], start: number, wanted: Wanted): Promise<NextTokens>;
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
  /** Whether several tokens may be added in a run. @default true */
  readonly lookUp?: boolean | undefined;
  /** Element type of the cache. @default 'float32' */
  readonly cachePrecision?: CachePrecision | undefined;
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
  settings: CachedDecoderOptions = {},
): CachedDecoder {
  const { device = 'cpu', products = 'float32', cachePrecision = 'float32', adapter } = settings;
  const used = placedOnce(weights, device);
  const promptTables = growingPositionArrays(config);
  const nextTables = growingContinuationArrays(config);
  const constants = fixedWeights ? ['weights'] : [];
  const options = { device, precision: products, constants, lora: adapter?.lora, cachePrecision };
  const own = adapter?.weights ?? {};
  const read = compileRead(config, options);
  const advance = compileAdvance(config, options);
  const extend = compileExtend(config, options);
  const heads = createHeads(config, weights, options);
  const select = compileSelect(device);
  const all = [read, advance, extend, ...heads.computations, select];
  const isFloat32 = products === 'float32' && cachePrecision === 'float32';
  const mayExtend = (settings.lookUp ?? true) && device === 'cpu' && isFloat32 && areFloat32(weights);
  const nextAfter = async (states: AnyArray, wanted: Wanted) => heads.next(await used.get(), states, wanted);

  return {
    async read({ tokens, last, promptOf, capacity }, wanted) {
      const [rows, length = 0] = [promptOf.length, tokens.shape[1]];
      const cache = await place(emptyCache(config, rows, capacity, cachePrecision), device);
      const given = { tokens, last: int32([last.length], last), promptOf: int32([rows], promptOf) };
      const inputs = { weights: await used.get(), adapter: own, tables: promptTables(length), cache };
      const { states, scales } = await read({ ...inputs, ...given });
      const next = await nextAfter(states, wanted);
      return { next, progress: { cache, scales: scales as CacheTree<AnyArray>, rows, capacity } };
    },
    async advance({ cache, scales, rows, capacity }, { tokens, positions }, wanted) {
      const inputs = { tokens: int32([rows], tokens), positions: int32([rows], positions) };
      const loaded = { weights: await used.get(), adapter: own, tables: nextTables(capacity) };
      const { states } = await advance({ ...loaded, cache, scales, ...inputs });
      return nextAfter(states, wanted);
    },
    canExtend: ({ rows, capacity }) => rows === 1 && mayExtend && capacity <= sharedLength(config),
    async extend({ cache, capacity }, tokens, start, wanted) {
      const inputs = { ...severalInputs(tokens, start), tables: nextTables(capacity), cache };
      const { states } = await extend({ weights: await used.get(), adapter: own, ...inputs });
      return nextAfter(states, wanted);
    },
    async select({ cache, scales, capacity }, rows) {
      const chosen = await select({ cache, rows: int32([rows.length], rows) });
      disposeArrays(cache);
      return { cache: chosen.cache as CacheTree<AnyArray>, scales, rows: rows.length, capacity };
    },
    end: ({ cache, scales }) => disposeArrays({ cache, scales }),
    get executables() {
      return all.flatMap(({ executables }) => executables);
    },
    dispose() {
      for (const compiled of all) compiled.dispose();
      used.dispose();
    },
  };
}

/** Creates the two functions of the language head, for all logits and for the most likely token alone. */
function createHeads(config: ModelConfig, weights: LoadedWeights, options: DecoderOptions) {
  const [logits, winners] = [compileHead(config, options), compileWinners(config, options)];
  const readByHead = withoutLayers(weights);
  return {
    computations: [logits, winners],
    /** Computes the next tokens after the states, and frees the states. */
    async next(loaded: LoadedWeights, states: AnyArray, wanted: Wanted): Promise<NextTokens> {
      const inputs = { weights: readByHead(loaded), states };
      const { next } = await (wanted === 'logits' ? logits(inputs) : winners(inputs));
      disposeArrays({ states });
      return dataOf(next);
    },
  };
}

/** Room for the keys and values of R completions. */
function emptyCache(
  { headDim, numKeyValueHeads: groups, numHiddenLayers }: ModelConfig,
  rows: number,
  capacity: number,
  precision: CachePrecision,
): CacheTree<AnyArray> {
  const shape = [rows, groups, capacity, headDim];
  const size = rows * groups * capacity * headDim;
  const room = () => (precision === 'int8' ? int8(shape, new Int8Array(size)) : zeros(shape));
  return layerTree<AnyArray>(
    Array.from({ length: numHiddenLayers }, () => ({ keys: room(), values: room() })),
  );
}

/** Several tokens of one row, from a position on. */
function severalInputs(tokens: readonly number[], start: number) {
  const count = tokens.length;
  const positions = Int32Array.from(tokens, (_, i) => start + i);
  return {
    tokens: int32([1, count], Int32Array.from(tokens)),
    positions: int32([1, count], positions),
    end: int32([1], [start + count - 1]),
  };
}

/** Gives the weights that a head reads: the same object for the same weights, so that nothing is listed at each token. */
function withoutLayers(weights: LoadedWeights) {
  const names = Object.keys(weights).filter((name) => !name.startsWith('model.layers.'));
  let known: { readonly loaded: LoadedWeights; readonly read: LoadedWeights } | undefined;
  return (loaded: LoadedWeights): LoadedWeights => {
    if (known?.loaded !== loaded) {
      const read = Object.fromEntries(
        names.flatMap((name) => {
          const weight = loaded[name];
          return weight === undefined ? [] : [[name, weight]];
        }),
      );
      known = { loaded, read };
    }
    return known.read;
  };
}

/** Whether no matrix is in integers. */
function areFloat32(weights: LoadedWeights): boolean {
  return Object.values(weights).every((weight) => 'dtype' in weight);
}

function dataOf({
  logits,
  best,
  spread,
}: {
  readonly logits?: NDArray;
  readonly best: NDArray;
  readonly spread: NDArray;
}): NextTokens {
  return {
    logits: logits?.data as Float32Array | undefined,
    best: best.data as Int32Array,
    spread: spread.data as Float32Array,
  };
}
