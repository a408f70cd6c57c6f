import type { DeviceName, Precision } from '@gram/engine';
import { type ModelConfig, sharedLength } from '../config/model-config.js';
import type { Weights } from '../config/weight-shapes.js';
import { ModelError } from '../error.js';
import type { PlacedAdapter } from '../lora/adapter.js';
import { areFixed, arePlain } from '../opening/open-model.js';
import type { FixedWeights } from '../opening/packed-file.js';
import { quantizeWeights } from '../quantize.js';
import type { WeightPrecision } from '../weight-bytes.js';
import { planBatches } from './batches.js';
import { createCachedDecoder } from './cached-decoder.js';
import { checkRequests } from './check-requests.js';
import type { CachePrecision } from './computations.js';
import { generateBatch } from './generate-batch.js';
import type { Completion, GenerateOptions, GenerationRequest } from './generation.js';

/** Model and settings of a generator. */
export interface GeneratorOptions {
  /** Configuration of a model with a next-token head. */
  readonly config: ModelConfig;
  /**
   * Weights of the model. On the CPU plain arrays are read at each token, so that updates in place are seen, unless they are fixed.
   * Weights of `openModel` are fixed and have their precision.
   */
  readonly weights: Weights | FixedWeights;
  /**
   * Whether the weights will not change. A packed copy of them then makes single tokens about twice as fast, and
   * takes their size in memory again. @default false
   */
  readonly fixedWeights?: boolean;
  /**
   * Form of the matrices of the layers. Integers are made of plain weights at the start, which are then taken as fixed.
   * @default 'float32'
   */
  readonly precision?: WeightPrecision;
  /**
   * Precision of matrix products, where the device has it: `cuda` has `tf32`, `bfloat16` and `float16`. Weights are kept as
   * `precision` says, and converted as they are multiplied. @default 'float32'
   */
  readonly products?: Precision | undefined;
  /** Where to compute; the weights are copied there at the first call. @default 'cpu' */
  readonly device?: DeviceName | 'auto' | undefined;
  /**
   * A low-rank adapter over the weights. It is read at each call, so that updates in place are seen, whatever form the weights have.
   * @default none
   */
  readonly adapter?: PlacedAdapter | undefined;
  /** The most positions, past and to come, of completions that are made together. @default 16384 */
  readonly batchTokens?: number;
  /**
   * Whether a greedy completion that grows alone, on the CPU in float32, gets several tokens in a run where it repeats its prompt or
   * itself (prompt look-up). Its tokens are those that it would have got one by one, unless two are equally likely but for rounding.
   * @default true
   */
  readonly lookUp?: boolean;
  /**
   * Element type of the cache of keys and values. In 8-bit integers it takes a quarter of the memory, with scales that the prompts of a
   * batch give, so that completions depend a little on the prompts beside theirs. For the CPU.
   * @default 'float32'
   */
  readonly cachePrecision?: CachePrecision | undefined;
}

/** Continues texts with a language model. */
export interface Generator {
  /**
   * Completions of each request, in the order of the requests and their decodings.
   *
   * Prompts are read together, each once however many completions it has; then all completions grow by one token at a
   * time, over a cache of keys and values. The batch shrinks as completions end.
   *
   * A call that ends early, by its signal or by what a callback throws, leaves the generator as it was.
   *
   * @throws {ModelError} `bad-request`, before anything is computed, and `not-finite`; the signal's reason
   */
  generate(requests: readonly GenerationRequest[], options: GenerateOptions): Promise<Completion[][]>;
  /** Frees the native executables. The weights are not touched. */
  dispose(): void;
}

/**
 * Makes a generator for a causal language model.
 *
 * @example
 * ```ts
 * const generator = createGenerator({ config, weights });
 * const requests = [{ ids: prompt, decodings: [{ temperature: 0 }] }];
 * const [completions] = await generator.generate(requests, { maxNewTokens: 32, stopIds: [] });
 * generator.dispose();
 * ```
 */
export function createGenerator({
  config,
  weights,
  fixedWeights = false,
  precision = 'float32',
  products,
  device,
  adapter,
  batchTokens = 16_384,
  lookUp = true,
  cachePrecision,
}: GeneratorOptions): Generator {
  if (cachePrecision === 'int8' && device !== undefined && device !== 'cpu') {
    throw new ModelError(
      'bad-request',
      `a cache in int8 is for the CPU, and the device is ${device}`,
      'leave out cachePrecision or the device',
    );
  }
  const computing = { device, products, adapter, lookUp, cachePrecision };
  const decoder =
    precision === 'float32' || !arePlain(weights)
      ? createCachedDecoder(config, weights, fixedWeights || areFixed(weights), computing)
      : createCachedDecoder(config, quantizeWeights(weights, precision), true, computing);
  const limits = { batchTokens, shared: sharedLength(config) };
  return {
    async generate(requests, options) {
      checkRequests(requests, options, config);
      const results: Completion[][] = new Array(requests.length);
      const total = requests.reduce((sum, { decodings }) => sum + decodings.length, 0);
      let done = 0;
      for (const batch of planBatches(requests, options.maxNewTokens, limits)) {
        options.signal?.throwIfAborted();
        const completions = await generateBatch(decoder, config.vocabSize, batch, options);
        for (const [i, index] of batch.indices.entries()) results[index] = completions[i] ?? [];
        done += completions.flat().length;
        options.onProgress?.(done, total);
      }
      return results;
    },
    dispose: () => decoder.dispose(),
  };
}
