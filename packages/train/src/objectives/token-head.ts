import { type AnyArray, type CompileOptions, compile, int32, type NDArray } from '@gram/engine';
import { type ModelConfig, type ModelTensors, type PlacedWeights, tokenLosses } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';

/** Number of logits that are computed at once: they take 8 MiB, and what is computed from them some times as much. */
const LOGITS_AT_ONCE = 2 ** 21;
/** Number of tokens that are computed at once at least: with fewer, reading the matrix would take longer than the products. */
const LEAST_TOKENS = 64;

/** A model and its states `[P, D]` before the final norm. */
export interface HeadInputs {
  readonly weights: PlacedWeights;
  readonly states: AnyArray;
}

/** A model and its states inside of a compiled function. */
export interface HeadTensors {
  readonly weights: ModelTensors;
  readonly states: tf.Tensor2D;
}

/** Places of rows among the states, and their tokens. */
export interface HeadRows<Numbers = NDArray<'int32'>> {
  readonly rows: Numbers;
  readonly targets: Numbers;
}

/** A head over the vocabulary that is only read. */
export interface TokenHead {
  /** Computes the log-probabilities of tokens after states. */
  logProbabilities(model: HeadInputs, targets: NDArray, signal?: AbortSignal): Promise<NDArray<'float32'>>;
  dispose(): void;
}

/** Device and precision of a head. */
export type HeadComputing = Pick<CompileOptions<never, never>, 'device' | 'precision'>;

/**
 * Compiles the language head of a model for any number of tokens. It computes a part of them at a time: the logits of all would be
 * the largest array of a pass.
 */
export function createTokenHead(config: ModelConfig, computing: HeadComputing): TokenHead {
  const run = compile(
    ({ model, rows, targets }: HeadRows<tf.Tensor1D> & { readonly model: HeadTensors }) => ({
      logProbabilities: tf.neg(tokenLosses(config, model.weights, tf.gather(model.states, rows), targets)),
    }),
    headOptions(computing, 'model'),
  );
  return {
    async logProbabilities(model, targets, signal) {
      const inputs = { model: readByHead(model) };
      const { logProbabilities } = await inParts(config, targets, ['logProbabilities'], (rows) =>
        run({ ...inputs, ...rows }, { signal }),
      );
      return logProbabilities;
    },
    dispose: () => run.dispose(),
  };
}

/** Options to compile a function of `HeadRows` and of models by their names, for any number of states and rows. */
export function headOptions(computing: HeadComputing, ...models: readonly string[]) {
  return {
    ...computing,
    dimensions: {
      ...Object.fromEntries(models.map((name) => [`${name}/states`, ['P', null]])),
      rows: ['N'],
      targets: ['N'],
    },
  };
}

/** Leaves out the weights of the layers, which no head reads. */
export function readByHead({ weights, states }: HeadInputs): HeadInputs {
  const read = Object.entries(weights).filter(([name]) => !name.startsWith('model.layers.'));
  return { weights: Object.fromEntries(read), states };
}

/** Runs a function of some tokens until there are numbers of all of them, in order. */
export async function inParts<Name extends string>(
  { vocabSize }: Pick<ModelConfig, 'vocabSize'>,
  { data }: NDArray,
  names: readonly Name[],
  run: (rows: HeadRows) => Promise<Readonly<Record<Name, NDArray>>>,
): Promise<Record<Name, NDArray<'float32'>>> {
  const atOnce = Math.max(LEAST_TOKENS, Math.floor(LOGITS_AT_ONCE / vocabSize));
  const results = names.map((name) => [name, new Float32Array(data.length)] as const);
  for (let start = 0; start < data.length; start += atOnce) {
    const count = Math.min(atOnce, data.length - start);
    const rows = Int32Array.from({ length: count }, (_, i) => start + i);
    const targets = Int32Array.from(data.subarray(start, start + count));
    const part = await run({ rows: int32([count], rows), targets: int32([count], targets) });
    for (const [name, whole] of results) whole.set(part[name].data, start);
  }
  const arrays = results.map(([name, whole]) => [
    name,
    { dtype: 'float32', shape: [data.length], data: whole },
  ]);
  // There is an entry for each name.
  return Object.fromEntries(arrays) as Record<Name, NDArray<'float32'>>;
}
