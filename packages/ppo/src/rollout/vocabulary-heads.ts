import { type AnyArray, type CompileOptions, compile, int32, type NDArray } from '@gram/engine';
import {
  type ModelConfig,
  type ModelTensors,
  type PlacedWeights,
  tokenLosses,
  vocabularyLogits,
} from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { fullKl } from '../losses/kl.js';

/** Number of logits that are computed at once, which take 64 MiB. */
const LOGITS_AT_ONCE = 2 ** 24;

/** Computes what a head over the vocabulary says of tokens, for a part of them at a time: the logits of all would be the largest array. */
export interface VocabularyHeads {
  /** The log-probabilities of tokens after states. */
  logProbabilities(model: HeadInputs, targets: NDArray, signal?: AbortSignal): Promise<NDArray<'float32'>>;
  /** The same of the reference, and KL(policy || reference) of the distributions after the states of both. */
  exactKl(
    models: { readonly policy: HeadInputs; readonly reference: HeadInputs },
    targets: NDArray,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<'logProbabilities' | 'kl', NDArray<'float32'>>>>;
  dispose(): void;
}

/** A model and its states `[P, D]` before the final norm. */
export interface HeadInputs {
  readonly weights: PlacedWeights;
  readonly states: AnyArray;
}

interface HeadTensors {
  readonly weights: ModelTensors;
  readonly states: tf.Tensor2D;
}

/** Compiles the heads for any number of tokens. */
export function createVocabularyHeads(
  config: ModelConfig,
  computing: Pick<CompileOptions<never, never>, 'device' | 'precision'>,
): VocabularyHeads {
  const options = (...models: string[]) => ({
    ...computing,
    dimensions: {
      ...Object.fromEntries(models.map((name) => [`${name}/states`, ['P', null]])),
      rows: ['N'],
      targets: ['N'],
    },
  });
  type Rows = { rows: tf.Tensor1D; targets: tf.Tensor1D };
  const losses = compile(
    ({ model, rows, targets }: Rows & { model: HeadTensors }) => ({
      logProbabilities: tf.neg(tokenLosses(config, model.weights, tf.gather(model.states, rows), targets)),
    }),
    options('model'),
  );
  const exact = compile(
    ({ policy, reference, rows, targets }: Rows & { policy: HeadTensors; reference: HeadTensors }) => {
      const logitsOf = ({ weights, states }: HeadTensors) =>
        vocabularyLogits(config, weights, tf.gather(states, rows));
      return {
        logProbabilities: tf.neg(
          tokenLosses(config, reference.weights, tf.gather(reference.states, rows), targets),
        ),
        kl: fullKl(logitsOf(policy), logitsOf(reference)),
      };
    },
    options('policy', 'reference'),
  );
  const rowsAtOnce = Math.max(1, Math.floor(LOGITS_AT_ONCE / config.vocabSize));
  return {
    async logProbabilities(model, targets, signal) {
      const inputs = { model: headOf(model) };
      const run = (rows: RowArrays) => losses({ ...inputs, ...rows }, { signal });
      return (await inParts(targets, rowsAtOnce, ['logProbabilities'], run)).logProbabilities;
    },
    exactKl({ policy, reference }, targets, signal) {
      const inputs = { policy: headOf(policy), reference: headOf(reference) };
      const run = (rows: RowArrays) => exact({ ...inputs, ...rows }, { signal });
      return inParts(targets, rowsAtOnce, ['logProbabilities', 'kl'], run);
    },
    dispose() {
      losses.dispose();
      exact.dispose();
    },
  };
}

/** The weights that a head may read, which are those outside of the layers. */
function headOf({ weights, states }: HeadInputs): HeadInputs {
  const read = Object.entries(weights).filter(([name]) => !name.startsWith('model.layers.'));
  return { weights: Object.fromEntries(read), states };
}

/** Places of rows among the states, and their tokens. */
interface RowArrays {
  readonly rows: NDArray<'int32'>;
  readonly targets: NDArray<'int32'>;
}

/** Runs a function of some rows until there are numbers of all of them, in order. */
async function inParts<Name extends string>(
  { data }: NDArray,
  atOnce: number,
  names: readonly Name[],
  run: (rows: RowArrays) => Promise<Readonly<Record<Name, NDArray>>>,
): Promise<Record<Name, NDArray<'float32'>>> {
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
