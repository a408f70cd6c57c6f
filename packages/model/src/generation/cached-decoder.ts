import { compile, int32, type NDArray } from '@gram/engine';
import * as tf from '@tensorflow/tfjs';
import type { LlamaConfig } from '../config/llama-config.js';
import type { Weights } from '../config/weight-shapes.js';
import { vocabularyLogits } from '../heads.js';
import { continueAt, type LayerCache, readPrompt, type WeightTensors } from '../llama.js';

/** The cache of a batch as a tree: layer number to its keys and values, `[R * numKeyValueHeads * C, headDim]`. */
type CacheTree<T> = Readonly<Record<string, { readonly keys: T; readonly values: T }>>;

/** Completions in progress: R rows with room for C positions each. */
export interface Progress {
  readonly cache: CacheTree<NDArray>;
  readonly rows: number;
  readonly capacity: number;
}

/** The three computations of generation, compiled; each new shape once. */
export interface CachedDecoder {
  /**
   * Reads prompts of equal padded length, and gives every completion the cache of its prompt.
   *
   * @param tokens `[B, T]` int32, padded on the right
   * @param last position of the last token of each prompt
   * @param promptOf for each of the R completions, the prompt that it continues
   * @returns logits of the first new token of each prompt, `[B, vocabSize]`
   */
  read(
    tokens: NDArray<'int32'>,
    last: Int32Array,
    promptOf: Int32Array,
    capacity: number,
  ): Promise<{ logits: Float32Array; progress: Progress }>;
  /** Adds one token to each row, in place, and gives the logits of the next one, `[R, vocabSize]`. */
  advance(progress: Progress, tokens: Int32Array, positions: Int32Array): Promise<Float32Array>;
  /** A copy of some of the rows. */
  select(progress: Progress, rows: Int32Array): Promise<Progress>;
  dispose(): void;
}

/** The decoder of a causal language model with a cache. `weights` are read at each call, without a copy. */
export function createCachedDecoder(config: LlamaConfig, weights: Weights): CachedDecoder {
  const { headDim, numKeyValueHeads: groups } = config;
  const layerNames = Array.from({ length: config.numHiddenLayers }, (_, i) => String(i));
  const byLayer = <T>(layer: (name: string, i: number) => { keys: T; values: T }): CacheTree<T> =>
    Object.fromEntries(layerNames.map((name, i) => [name, layer(name, i)]));
  const listed = (tree: CacheTree<tf.Tensor>) => layerNames.map((name) => tree[name] as LayerCache);
  /** Its length is a capacity: a traced function knows the shapes of its inputs and nothing else. */
  const room = (capacity: number) => int32([capacity], new Int32Array(capacity));

  const read = compile(
    (inputs: {
      weights: WeightTensors;
      tokens: tf.Tensor2D;
      last: tf.Tensor1D;
      promptOf: tf.Tensor1D;
      room: tf.Tensor1D;
    }) => {
      const { state, cache } = readPrompt(config, inputs.weights, inputs.tokens, inputs.last);
      const free = inputs.room.shape[0] - inputs.tokens.shape[1];
      const perCompletion = (all: tf.Tensor4D) => {
        const rows = tf.gather(all, inputs.promptOf);
        const none: [number, number] = [0, 0];
        return tf.reshape(tf.pad(rows, [none, none, [0, free], none]), [-1, headDim]);
      };
      return {
        logits: vocabularyLogits(config, inputs.weights, state),
        cache: byLayer((_, i) => ({
          keys: perCompletion(cache[i]!.keys),
          values: perCompletion(cache[i]!.values),
        })),
      };
    },
  );
  const advance = compile(
    (inputs: {
      weights: WeightTensors;
      tokens: tf.Tensor1D;
      positions: tf.Tensor1D;
      cache: CacheTree<tf.Tensor>;
    }) => {
      const { weights: w, tokens, positions } = inputs;
      const { state, cache } = continueAt(config, w, tokens, positions, listed(inputs.cache));
      return { logits: vocabularyLogits(config, w, state), cache: byLayer<tf.Tensor>((_, i) => cache[i]!) };
    },
    { inPlace: ['cache'], maxExecutables: 24 },
  );
  const select = compile((inputs: { cache: CacheTree<tf.Tensor>; rows: tf.Tensor1D; room: tf.Tensor1D }) => {
    const width = groups * inputs.room.shape[0] * headDim;
    const pick = (all: tf.Tensor) =>
      tf.reshape(tf.gather(tf.reshape(all, [-1, width]), inputs.rows), [-1, headDim]);
    return {
      cache: byLayer((name) => ({
        keys: pick(inputs.cache[name]!.keys),
        values: pick(inputs.cache[name]!.values),
      })),
    };
  });

  return {
    async read(tokens, last, promptOf, capacity) {
      const { logits, cache } = await read({
        weights,
        tokens,
        last: int32([last.length], last),
        promptOf: int32([promptOf.length], promptOf),
        room: room(capacity),
      });
      const progress = { cache: cache as CacheTree<NDArray>, rows: promptOf.length, capacity };
      return { logits: logits.data as Float32Array, progress };
    },
    async advance({ cache, rows }, tokens, positions) {
      const inputs = { tokens: int32([rows], tokens), positions: int32([rows], positions) };
      return (await advance({ weights, cache, ...inputs })).logits.data as Float32Array;
    },
    async select({ cache, capacity }, rows) {
      const chosen = await select({ cache, rows: int32([rows.length], rows), room: room(capacity) });
      return { cache: chosen.cache as CacheTree<NDArray>, rows: rows.length, capacity };
    },
    dispose() {
      for (const compiled of [read, advance, select]) compiled.dispose();
    },
  };
}
