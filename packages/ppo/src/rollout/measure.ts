import { compile, type NDArray } from '@gram/engine';
import {
  growingPositionArrays,
  hiddenStates,
  type ModelConfig,
  type PositionTables,
  positionDimensions,
  tokenLosses,
  valuesAt,
  vocabularyLogits,
  type Weights,
  type WeightTensors,
} from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { fullKl } from '../kl.js';
import { type ResponseTokens, responseBatch } from '../objectives/tokens.js';

/** What the frozen reference says of the tokens of a response. */
export interface ReferenceMeasure {
  /** log pi_ref of each response token, in nats. */
  readonly logProbabilities: readonly number[];
  /** Exact KL(policy || reference) of the next-token distribution before each response token; where asked for. */
  readonly kl?: readonly number[];
}

/** Numbers of each response token, from models that are only read. Weights are seen as they are at each call. */
export interface TokenMeter {
  /** @param withKl also computes the exact KL, over the whole vocabulary of both models */
  reference(
    responses: readonly ResponseTokens[],
    withKl: boolean,
    signal?: AbortSignal,
  ): Promise<ReferenceMeasure[]>;
  /** V of the state before each response token. */
  values(responses: readonly ResponseTokens[], signal?: AbortSignal): Promise<number[][]>;
  dispose(): void;
}

/** Tokens that are measured at once, padding included. */
const batchTokens = 8192;

type Inputs = { tables: PositionTables; tokens: tf.Tensor2D; positions: tf.Tensor1D; targets: tf.Tensor1D };

/** Makes a meter of a policy, its reference and, for values, a value model. */
export function createTokenMeter(models: {
  readonly config: ModelConfig;
  readonly policy: Weights;
  readonly reference: Weights;
  readonly value?: { readonly config: ModelConfig; readonly weights: Weights };
}): TokenMeter {
  const { config, policy, reference, value } = models;
  const options = {
    dimensions: { ...positionDimensions, tokens: ['B', 'T'], positions: ['P'], targets: ['P'] },
  };
  const tablesFor = growingPositionArrays(config);
  const valueTablesFor = value === undefined ? tablesFor : growingPositionArrays(value.config);
  const statesOf = (weights: WeightTensors, { tables, tokens, positions }: Inputs) =>
    tf.gather(hiddenStates(config, weights, tokens, tables), positions);
  const logProbabilities = compile((inputs: Inputs & { reference: WeightTensors }) => {
    const states = statesOf(inputs.reference, inputs);
    return { logProbabilities: tf.neg(tokenLosses(config, inputs.reference, states, inputs.targets)) };
  }, options);
  const withExactKl = compile((inputs: Inputs & { reference: WeightTensors; policy: WeightTensors }) => {
    const states = statesOf(inputs.reference, inputs);
    const own = statesOf(inputs.policy, inputs);
    return {
      logProbabilities: tf.neg(tokenLosses(config, inputs.reference, states, inputs.targets)),
      kl: fullKl(
        vocabularyLogits(config, inputs.policy, own),
        vocabularyLogits(config, inputs.reference, states),
      ),
    };
  }, options);
  const predict = compile(
    (inputs: Inputs & { value: WeightTensors }) => ({
      values: valuesAt(value!.config, inputs.value, inputs.tokens, inputs.positions, inputs.tables),
    }),
    options,
  );

  return {
    async reference(responses, withKl, signal) {
      if (!withKl) {
        const run = async (batch: Arrays) => [
          (await logProbabilities({ reference, tables: tablesFor(lengthOf(batch)), ...batch }, { signal }))
            .logProbabilities,
        ];
        const [rows] = await perToken(responses, 1, run, signal);
        return rows!.map((row) => ({ logProbabilities: row }));
      }
      const run = async (batch: Arrays) => {
        const out = await withExactKl(
          { reference, policy, tables: tablesFor(lengthOf(batch)), ...batch },
          { signal },
        );
        return [out.logProbabilities, out.kl];
      };
      const [rows, kls] = await perToken(responses, 2, run, signal);
      return rows!.map((row, i) => ({ logProbabilities: row, kl: kls![i]! }));
    },
    async values(responses, signal) {
      const run = async (batch: Arrays) => {
        const tables = valueTablesFor(lengthOf(batch));
        return [(await predict({ value: value!.weights, tables, ...batch }, { signal })).values];
      };
      const [rows] = await perToken(responses, 1, run, signal);
      return rows!;
    },
    dispose() {
      for (const compiled of [logProbabilities, withExactKl, predict]) compiled.dispose();
    },
  };
}

type Arrays = Record<'tokens' | 'positions' | 'targets', NDArray>;

const lengthOf = ({ tokens }: Arrays): number => tokens.shape[1]!;

/**
 * Runs a model over responses in batches of similar length and hands out its numbers by response.
 *
 * @param run gives `outputs` arrays `[P]`
 * @returns for each output, a row of numbers for each response, in order
 */
async function perToken(
  responses: readonly ResponseTokens[],
  outputs: number,
  run: (batch: Arrays) => Promise<NDArray[]>,
  signal?: AbortSignal,
): Promise<number[][][]> {
  const results = Array.from({ length: outputs }, () => new Array<number[]>(responses.length));
  const tokensOf = (i: number) => responses[i]!.ids.length;
  const order = responses.map((_, i) => i).sort((a, b) => tokensOf(b) - tokensOf(a) || a - b);
  for (let start = 0; start < order.length; ) {
    signal?.throwIfAborted();
    const length = tokensOf(order[start]!);
    const rows = Math.max(1, Math.floor(batchTokens / length));
    const part = order.slice(start, start + rows);
    const examples = part.map((i) => responses[i]!);
    const { tokens, positions, targets } = responseBatch(examples, part.length, length, 1, {});
    const arrays = await run({ tokens, positions, targets });
    for (const [output, { data }] of arrays.entries()) {
      let at = 0;
      for (const i of part) {
        const count = responses[i]!.ids.length - responses[i]!.lossFrom;
        results[output]![i] = Array.from(data.subarray(at, at + count));
        at += count;
      }
    }
    start += part.length;
  }
  return results;
}
