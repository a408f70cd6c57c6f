import {
  type AnyArray,
  compile,
  type DeviceName,
  int32,
  type KeysAndValues,
  type NDArray,
  place,
  placedOnce,
  zeros,
} from '@gram/engine';
import {
  extendSequence,
  forwardFlop,
  growingPositionArrays,
  type ModelConfig,
  type ModelTensors,
  type PositionTables,
  type Precision,
  positionDimensions,
  type QuantizedWeights,
  quantizeWeights,
  stateAt,
  type Weights,
} from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';

/** Keys and values of one sequence, by layer, with room for some positions: `[1, numKeyValueHeads, C, headDim]`. */
export type SequenceCache = Readonly<Record<string, { readonly keys: AnyArray; readonly values: AnyArray }>>;

/** A model that gives numbers at the last token of a sequence. */
export interface Forward {
  /**
   * Sequences side by side.
   *
   * @param inputs `tokens` `[B, T]`, padded on the right, and `last` `[B]`, the place of each one's last token
   * @returns `[B * width]`
   */
  batch(
    inputs: { tokens: NDArray<'int32'>; last: NDArray<'int32'> },
    signal?: AbortSignal,
  ): Promise<Float32Array>;
  /** Room for one sequence of at most `capacity` tokens, where the device keeps it. */
  cache(capacity: number): Promise<SequenceCache>;
  /**
   * One sequence, of which the first `known` tokens are in the cache; the others are put there.
   *
   * @returns `[width]`
   */
  extend(
    ids: readonly number[],
    known: number,
    cache: SequenceCache,
    signal?: AbortSignal,
  ): Promise<Float32Array>;
  /** What a run costs beside its tokens, in tokens that could be computed meanwhile. */
  readonly runCost: number;
  dispose(): void;
}

/**
 * What a run of one sequence costs beside its tokens, in floating-point operations that could be done meanwhile. On the CPU it
 * was measured; that of a GPU is reckoned from some 500 launches of 5 microseconds each at 40 TFLOPS.
 */
const RUN_COST = { cpu: 3e8, gpu: 1e11 };
/**
 * What a run of one sequence costs at least, in tokens: that of reading the weights once. Measured at 135 M parameters, of runs
 * of 40 and of 110 tokens.
 */
const READING_TOKENS = 45;

/** What a head computes from weights and states `[N, hiddenSize]` before the final norm. */
type Head = (weights: ModelTensors, states: tf.Tensor2D) => tf.Tensor;

/** How a model is run. */
export interface ForwardOptions {
  /** How the matrices of the layers are kept. @default 'float32' */
  readonly precision?: Precision | undefined;
  /** @default 'cpu' */
  readonly device?: DeviceName | undefined;
}

/**
 * Compiles a model with a head, once for all numbers of sequences and all lengths.
 *
 * On the CPU float32 weights are read at each call. Integers are made of them here, once, and another device gets its copy at
 * the first call: later changes are not seen.
 */
export function createForward(
  config: ModelConfig,
  weights: Weights,
  head: Head,
  { precision = 'float32', device = 'cpu' }: ForwardOptions = {},
): Forward {
  const tablesFor = growingPositionArrays(config);
  const rounded = precision === 'float32' ? weights : quantizeWeights(weights, precision);
  const used = placedOnce<Weights | QuantizedWeights>(rounded, device);
  // The runtime packs what never changes; products of integers are fast with packed weights only.
  const constants = precision === 'float32' ? [] : ['weights'];
  const batch = compile(
    (inputs: { weights: ModelTensors; tables: PositionTables; tokens: tf.Tensor2D; last: tf.Tensor1D }) => {
      const { weights: w, tables, tokens, last } = inputs;
      return { numbers: head(w, stateAt(config, w, tokens, last, tables)) };
    },
    { device, dimensions: { ...positionDimensions, tokens: ['B', 'T'], last: ['B'] }, constants },
  );
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => String(i));
  const extend = compile(
    (inputs: {
      weights: ModelTensors;
      tables: PositionTables;
      tokens: tf.Tensor2D;
      positions: tf.Tensor2D;
      end: tf.Tensor1D;
      cache: Readonly<Record<string, { keys: tf.Tensor; values: tf.Tensor }>>;
    }) => {
      const { weights: w, tables, cache, ...newest } = inputs;
      const past = layers.map((name) => cache[name] as KeysAndValues);
      const { state, cache: next } = extendSequence(config, w, newest, past, tables);
      const named: Record<string, { keys: tf.Tensor; values: tf.Tensor }> = {};
      for (const [i, name] of layers.entries()) named[name] = next[i]!;
      return { numbers: tf.reshape(head(w, state), [-1]), cache: named };
    },
    {
      device,
      inPlace: ['cache'],
      constants,
      dimensions: {
        ...positionDimensions,
        tokens: [null, 'S'],
        positions: [null, 'S'],
        cache: [null, null, 'C', null],
      },
    },
  );
  return {
    runCost: Math.max(
      READING_TOKENS,
      (device === 'cpu' ? RUN_COST.cpu : RUN_COST.gpu) / forwardFlop(config, 1, 0),
    ),
    async batch(inputs, signal) {
      const tables = tablesFor(inputs.tokens.shape[1]!);
      const { numbers } = await batch({ weights: await used.get(), tables, ...inputs }, { signal });
      return numbers.data as Float32Array;
    },
    cache(capacity) {
      const room = () => zeros([1, config.numKeyValueHeads, capacity, config.headDim]);
      return place(
        Object.fromEntries(layers.map((name) => [name, { keys: room(), values: room() }])) as SequenceCache,
        device,
      );
    },
    async extend(ids, known, cache, signal) {
      const count = ids.length - known;
      const inputs = {
        tokens: int32([1, count], Int32Array.from(ids.slice(known))),
        positions: int32(
          [1, count],
          Int32Array.from({ length: count }, (_, i) => known + i),
        ),
        end: int32([1], [ids.length - 1]),
        cache,
      };
      const tables = tablesFor(cache['0']!.keys.shape[2]!);
      const { numbers } = await extend({ weights: await used.get(), tables, ...inputs }, { signal });
      return numbers.data as Float32Array;
    },
    dispose() {
      batch.dispose();
      extend.dispose();
      used.dispose();
    },
  };
}
