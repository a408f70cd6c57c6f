import {
  type AnyArray,
  compile,
  type DeviceName,
  int32,
  isArray,
  type KeysAndValues,
  type NDArray,
  type Precision,
  place,
  placedOnce,
  zeros,
} from '@gram/engine';
import {
  type AdaptableTensors,
  type Adapter,
  arePlain,
  extendSequence,
  type FixedWeights,
  forwardFlop,
  growingPositionArrays,
  joinAdapter,
  type LoraConfig,
  type ModelConfig,
  type ModelTensors,
  type PositionTables,
  positionDimensions,
  type QuantizedWeights,
  quantizeWeights,
  sharedLength,
  stateAt,
  type WeightPrecision,
  type Weights,
} from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';

/** Keys and values of one sequence, by layer, with room for some positions: `[1, numKeyValueHeads, C, headDim]`. */
export type SequenceCache = Readonly<Record<string, { readonly keys: AnyArray; readonly values: AnyArray }>>;

/** The numbers that a model computes at the last token of a sequence. */
export interface Forward {
  /**
   * Runs sequences side by side.
   *
   * @param inputs `tokens` `[B, T]`, padded on the right, and `last` `[B]`, the position of each one's last token
   * @returns `[B * width]`
   */
  batch(
    inputs: { tokens: NDArray<'int32'>; last: NDArray<'int32'> },
    signal?: AbortSignal,
  ): Promise<Float32Array>;
  /** Allocates room for one sequence of at most `capacity` tokens, where the device keeps it. */
  cache(capacity: number): Promise<SequenceCache>;
  /**
   * Runs one sequence, of which the first `known` tokens are in the cache; the others are put there.
   *
   * @returns `[width]`
   */
  extend(
    ids: readonly number[],
    known: number,
    cache: SequenceCache,
    signal?: AbortSignal,
  ): Promise<Float32Array>;
  /** Length above which sequences share a batch with those of their own length only, and no beginnings, see `sharedLength`. */
  readonly sharedLength: number;
  /** Fixed overhead of a run, in tokens that could be computed in the same time. */
  readonly runCost: number;
  dispose(): void;
}

/**
 * Fixed overhead of a run of one sequence, in floating-point operations that could be done in the same time. On the CPU it was
 * measured; that of a GPU is estimated from some 500 launches of 5 microseconds each at 40 TFLOPS.
 */
const RUN_COST = { cpu: 3e8, gpu: 1e11 };
/**
 * Lower bound of that overhead, in tokens: reading the weights once. It was measured at 135 M parameters, for runs of 40 and
 * of 110 tokens.
 */
const READING_TOKENS = 45;

/** Computes the numbers of a head from weights and states `[N, hiddenSize]` before the final norm. */
type Head = (weights: ModelTensors, states: tf.Tensor2D) => tf.Tensor;

/** Settings of running a model: its device and the storage of its matrices. */
export interface ForwardOptions {
  /** Storage of the matrices of the layers. @default 'float32' */
  readonly precision?: WeightPrecision | undefined;
  /** Precision of matrix products, where the device has it. @default 'float32' */
  readonly products?: Precision | undefined;
  /** @default 'cpu' */
  readonly device?: DeviceName | undefined;
  /** Whether the CPU packs weights that are fixed and in float32, see `LoadOptions`. @default true */
  readonly prepack?: boolean | undefined;
  /** A low-rank adapter over the weights, read at each call. @default none */
  readonly adapter?: Adapter | undefined;
}

/** A model with a head, to be compiled for a device. */
interface HeadedModel {
  readonly config: ModelConfig;
  readonly head: Head;
  readonly device: DeviceName;
  readonly products: Precision;
  /** Inputs that never change. The runtime packs them; products of integers are fast with packed weights only. */
  readonly constants: readonly string[];
  readonly prepack: boolean;
  readonly lora: LoraConfig | undefined;
}

/**
 * Compiles a model with a head, once for all numbers of sequences and all lengths.
 *
 * On the CPU plain weights are read at each call. Integers are made of them here, once, and another device gets its copy at
 * the first call: later changes are not seen. Weights of `openModel` are fixed and have their precision.
 */
export function createForward(
  config: ModelConfig,
  weights: Weights | FixedWeights,
  head: Head,
  {
    precision = 'float32',
    products = 'float32',
    device = 'cpu',
    prepack = true,
    adapter,
  }: ForwardOptions = {},
): Forward {
  const tablesFor = growingPositionArrays(config);
  const isRounded = precision !== 'float32' && arePlain(weights);
  const given = isRounded ? quantizeWeights(weights, precision) : weights;
  const used = placedOnce<FixedWeights | QuantizedWeights>(given, device);
  const constants = arePlain(given) ? [] : ['weights'];
  const model = {
    ...{ config, head, device, products, constants, lora: adapter?.lora },
    // Integers that are not packed are converted to float32 at each run.
    prepack: prepack || !Object.values(given).every(isArray),
  };
  const models = async () => ({ weights: await used.get(), adapter: adapter?.weights ?? {} });
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => String(i));
  const batch = compileBatch(model);
  const extend = compileExtension(model, layers);
  const flop = device === 'cpu' ? RUN_COST.cpu : RUN_COST.gpu;
  return {
    sharedLength: sharedLength(config),
    runCost: Math.max(READING_TOKENS, flop / forwardFlop(config, 1, 0)),
    async batch(inputs, signal) {
      const [, length = 0] = inputs.tokens.shape;
      const { numbers } = await batch(
        { ...(await models()), tables: tablesFor(length), ...inputs },
        { signal },
      );
      return numbers.data as Float32Array;
    },
    cache(capacity) {
      const room = () => zeros([1, config.numKeyValueHeads, capacity, config.headDim]);
      const cache: SequenceCache = Object.fromEntries(
        layers.map((name) => [name, { keys: room(), values: room() }]),
      );
      return place(cache, device);
    },
    async extend(ids, known, cache, signal) {
      const [, , capacity = 0] = cache['0']?.keys.shape ?? [];
      const inputs = { ...newestInputs(ids, known), tables: tablesFor(capacity), cache };
      const { numbers } = await extend({ ...(await models()), ...inputs }, { signal });
      return numbers.data as Float32Array;
    },
    dispose() {
      batch.dispose();
      extend.dispose();
      used.dispose();
    },
  };
}

function compileBatch({ config, head, device, products, constants, prepack, lora }: HeadedModel) {
  const joined = joinAdapter(config, lora);
  return compile(
    (inputs: AdaptableTensors & { tables: PositionTables; tokens: tf.Tensor2D; last: tf.Tensor1D }) => {
      const { tables, tokens, last } = inputs;
      const weights = joined(inputs);
      return { numbers: head(weights, stateAt(config, weights, tokens, last, tables)) };
    },
    {
      device,
      precision: products,
      dimensions: { ...positionDimensions, tokens: ['B', 'T'], last: ['B'] },
      constants,
      prepack,
    },
  );
}

function compileExtension(
  { config, head, device, products, constants, prepack, lora }: HeadedModel,
  layers: readonly string[],
) {
  const joined = joinAdapter(config, lora);
  return compile(
    (
      inputs: AdaptableTensors & {
        tables: PositionTables;
        tokens: tf.Tensor2D;
        positions: tf.Tensor2D;
        end: tf.Tensor1D;
        cache: Readonly<Record<string, { keys: tf.Tensor; values: tf.Tensor }>>;
      },
    ) => {
      const { weights: _, adapter: __, tables, cache, ...newest } = inputs;
      const weights = joined(inputs);
      const past = layers.map((name) => cache[name] as KeysAndValues);
      const { state, cache: next } = extendSequence(config, weights, newest, past, tables);
      const named = Object.fromEntries(next.map((layer, i) => [String(i), layer]));
      return { numbers: tf.reshape(head(weights, state), [-1]), cache: named };
    },
    {
      device,
      precision: products,
      inPlace: ['cache'],
      constants,
      prepack,
      dimensions: {
        ...positionDimensions,
        tokens: [null, 'S'],
        positions: [null, 'S'],
        cache: [null, null, 'C', null],
      },
    },
  );
}

/** The tokens of a sequence that are not in its cache, with their positions. */
function newestInputs(ids: readonly number[], known: number) {
  const count = ids.length - known;
  const positions = Int32Array.from({ length: count }, (_, i) => known + i);
  return {
    tokens: int32([1, count], Int32Array.from(ids.slice(known))),
    positions: int32([1, count], positions),
    end: int32([1], [ids.length - 1]),
  };
}
