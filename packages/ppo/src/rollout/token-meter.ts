import {
  type CompileOptions,
  compile,
  type DeviceName,
  disposeArrays,
  type NDArray,
  type Precision,
  placedOnce,
  zeros,
} from '@gram/engine';
import {
  type AdaptableTensors,
  growingPositionArrays,
  hiddenStates,
  joinAdapter,
  type LoraConfig,
  type ModelConfig,
  type PlacedAdapter,
  type PlacedWeights,
  type PositionTables,
  positionDimensions,
  sharedLength,
  valuesAt,
  type Weights,
} from '@gram/model';
import type { BatchArrays, TokenBatch } from '@gram/train';
import * as tf from '@tensorflow/tfjs-core';
import { PpoError } from '../error.js';
import { type ResponseTokens, responseLayout } from '../objectives/response-layout.js';
import { createVocabularyHeads } from './vocabulary-heads.js';

/** Log-probabilities of the frozen reference for the tokens of a response. */
export interface ReferenceMeasure {
  /** log pi_ref of each response token, in nats. */
  readonly logProbabilities: readonly number[];
  /** Exact KL(policy || reference) of the next-token distribution before each response token; where asked for. */
  readonly kl?: readonly number[];
}

/** Measures response tokens with models that are only read. Weights are seen as they are at each call. */
export interface TokenMeter {
  /**
   * @param withKl also computes the exact KL, over the whole vocabulary of both models
   * @throws PpoError `bad-option` without a reference
   */
  reference(
    responses: readonly ResponseTokens[],
    withKl: boolean,
    signal?: AbortSignal,
  ): Promise<ReferenceMeasure[]>;
  /** log pi of each response token under the policy, in nats. */
  policy(responses: readonly ResponseTokens[], signal?: AbortSignal): Promise<number[][]>;
  /**
   * V of the state before each response token.
   *
   * @throws PpoError `bad-option` without a value model
   */
  values(responses: readonly ResponseTokens[], signal?: AbortSignal): Promise<number[][]>;
  dispose(): void;
}

/** A model where a device keeps it, with an adapter over its weights where it has one. */
export interface PlacedModel {
  readonly config: ModelConfig;
  readonly weights: PlacedWeights;
  readonly adapter?: PlacedAdapter | undefined;
}

/** Models of a token meter. */
export interface TokenMeterModels {
  readonly config: ModelConfig;
  readonly policy: PlacedWeights;
  /** Adapter over the weights of the policy. @default none */
  readonly adapter?: PlacedAdapter | undefined;
  /** @default none */
  readonly reference?: PlacedWeights | undefined;
  /** Needed for `values`. */
  readonly value?: PlacedModel | undefined;
  /** Device of the computation. @default 'cpu' */
  readonly device?: DeviceName | 'auto' | undefined;
  /** Precision of matrix products. @default 'float32' */
  readonly products?: Precision | undefined;
}

/** Tokens that are measured at once, padding included. */
const BATCH_TOKENS = 8192;

type Batch = BatchArrays<TokenBatch>;
type Inputs = { tables: PositionTables; tokens: tf.Tensor2D; positions: tf.Tensor1D };

const DIMENSIONS = { ...positionDimensions, tokens: ['B', 'T'], positions: ['P'] };

/** Makes a meter of a policy, its reference and, for values, a value model. */
export function createTokenMeter({
  config,
  policy,
  adapter,
  reference,
  value,
  device,
  products: precision,
}: TokenMeterModels): TokenMeter {
  const options = { device, precision, dimensions: DIMENSIONS };
  const inputsOf = meterInputs(config);
  const own = { weights: policy, adapter: adapter?.weights ?? {} };
  const statesOf = compileStates(config, adapter?.lora, options);
  const without = placedOnce(neutralAdapter(adapter), device ?? 'cpu');
  const heads = createVocabularyHeads(config, { device, precision });
  const values = value && createValueMeter(value, options);
  return {
    async reference(responses, withKl, signal) {
      if (reference === undefined) {
        throw new PpoError('bad-option', 'the token meter has no reference', 'give it one');
      }
      const measure = async (batch: Batch, length: number) => {
        const inputs = inputsOf(batch, length);
        const start = { weights: reference, adapter: await without.get(), ...inputs };
        const { states } = await statesOf(start, { signal });
        const frozen = { weights: reference, states };
        if (!withKl) {
          const logProbabilities = await heads.logProbabilities(frozen, batch.targets, signal);
          disposeArrays({ states });
          return (rowOf: RowOf) => ({ logProbabilities: rowOf(logProbabilities) });
        }
        const learned = await statesOf({ ...own, ...inputs }, { signal });
        const models = { policy: { weights: policy, states: learned.states }, reference: frozen };
        const { logProbabilities, kl } = await heads.exactKl(models, batch.targets, signal);
        disposeArrays({ states, learned });
        return (rowOf: RowOf) => ({ logProbabilities: rowOf(logProbabilities), kl: rowOf(kl) });
      };
      return measureTokens<ReferenceMeasure>(responses, measure, signal);
    },
    policy(responses, signal) {
      const measure = async (batch: Batch, length: number) => {
        const { states } = await statesOf({ ...own, ...inputsOf(batch, length) }, { signal });
        const model = { weights: policy, states };
        const logProbabilities = await heads.logProbabilities(model, batch.targets, signal);
        disposeArrays({ states });
        return (rowOf: RowOf) => rowOf(logProbabilities);
      };
      return measureTokens(responses, measure, signal);
    },
    async values(responses, signal) {
      if (values !== undefined) return values.measure(responses, signal);
      throw new PpoError('bad-option', 'the token meter has no value model', 'give it one');
    },
    dispose() {
      for (const each of [statesOf, without, heads, values]) each?.dispose();
    },
  };
}

/**
 * Makes an adapter of the same kind that adds nothing, exactly: its matrices B are zeros. A graph takes tens of megabytes, so that the
 * reference is measured with that of the policy.
 */
function neutralAdapter(adapter: PlacedAdapter | undefined): Weights {
  const entries = Object.entries(adapter?.weights ?? {});
  return Object.fromEntries(entries.map(([name, { shape }]) => [name, zeros(shape)]));
}

/** Gives the inputs of a decoder for batches that the policy can learn from as well. */
function meterInputs(config: ModelConfig) {
  const tablesFor = growingPositionArrays(config);
  return ({ tokens, positions }: Batch, length: number) => {
    checkLength(config, length);
    return { tables: tablesFor(length), tokens, positions };
  };
}

/** Positions of longer sequences turn by the length of their batch, and the policy learns in other batches than it is measured in. */
function checkLength(config: ModelConfig, length: number): void {
  const longest = sharedLength(config);
  if (length <= longest) return;
  throw new PpoError(
    'bad-option',
    `a prompt with its response has ${length} tokens, and the policy learns from at most ${longest} because its rope scaling is dynamic`,
    'give shorter prompts, or a smaller maxNewTokens',
  );
}

type MeterOptions = Pick<CompileOptions<never, never>, 'device' | 'precision' | 'dimensions'>;

/** Compiles the hidden states of a model before the response tokens, `[P, D]`. */
function compileStates(config: ModelConfig, lora: LoraConfig | undefined, options: MeterOptions) {
  const joined = joinAdapter(config, lora);
  return compile(
    (inputs: Inputs & AdaptableTensors) => ({
      states: tf.gather(hiddenStates(config, joined(inputs), inputs.tokens, inputs.tables), inputs.positions),
    }),
    { ...options, resident: ['states'] },
  );
}

function createValueMeter({ config, weights, adapter }: PlacedModel, options: MeterOptions) {
  const tablesFor = growingPositionArrays(config);
  const joined = joinAdapter(config, adapter?.lora);
  const model = { weights, adapter: adapter?.weights ?? {} };
  const predict = compile(
    (inputs: Inputs & AdaptableTensors) => ({
      values: valuesAt(config, joined(inputs), inputs.tokens, inputs.positions, inputs.tables),
    }),
    options,
  );
  return {
    measure(responses: readonly ResponseTokens[], signal?: AbortSignal): Promise<number[][]> {
      const measure = async (batch: Batch, length: number) => {
        const tables = tablesFor(length);
        const { tokens, positions } = batch;
        const { values } = await predict({ ...model, tables, tokens, positions }, { signal });
        return (rowOf: RowOf) => rowOf(values);
      };
      return measureTokens(responses, measure, signal);
    },
    dispose: () => predict.dispose(),
  };
}

/** Gives the numbers of one response's tokens from an array `[P]` over all tokens of a batch. */
type RowOf = (array: NDArray) => number[];

/**
 * Runs a model over responses in batches of similar length and hands out its numbers by response.
 *
 * @param run takes a batch of rows of `length` tokens and returns how the result of one response is read
 * @returns one result for each response, in order
 */
async function measureTokens<Result>(
  responses: readonly ResponseTokens[],
  run: (batch: Batch, length: number) => Promise<(rowOf: RowOf) => Result>,
  signal?: AbortSignal,
): Promise<Result[]> {
  const results = new Array<Result>(responses.length);
  for (const part of batchesByLength(responses)) {
    signal?.throwIfAborted();
    const examples = part.map(([, response]) => response);
    const length = Math.max(...examples.map(({ ids }) => ids.length));
    const { tokens, positions, targets } = responseLayout(examples, part.length, length, () => 1).arrays;
    const read = await run({ tokens, positions, targets }, length);
    let at = 0;
    for (const [place, { ids, lossFrom }] of part) {
      const end = at + ids.length - lossFrom;
      const start = at;
      results[place] = read(({ data }) => Array.from(data.subarray(start, end)));
      at = end;
    }
  }
  return results;
}

/** Responses with their places, the longest first, in batches of at most `BATCH_TOKENS` tokens. */
function* batchesByLength(responses: readonly ResponseTokens[]): Iterable<[number, ResponseTokens][]> {
  const sorted = [...responses.entries()].sort(([, a], [, b]) => b.ids.length - a.ids.length);
  let batch: typeof sorted = [];
  let rows = 1;
  for (const entry of sorted) {
    if (batch.length === 0) rows = Math.max(1, Math.floor(BATCH_TOKENS / entry[1].ids.length));
    batch.push(entry);
    if (batch.length === rows) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
