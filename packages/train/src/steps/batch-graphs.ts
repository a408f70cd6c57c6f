import {
  type ArrayInputs,
  type CompileOptions,
  compile,
  type DeviceName,
  type ExecutableInfo,
  isNDArray,
  type Results,
  type RunOptions,
} from '@gram/engine';
import { growingPositionArrays, type ModelConfig, positionDimensions } from '@gram/model';
import type { BatchArrays, BatchTensors } from '../objectives/batch.js';
import type { Objective } from '../objectives/objective.js';

/** Logits that the graph for all lengths may compute; the graph of a batch with more computes them in parts. */
const LOGITS_AT_ONCE = 2 ** 24;
/** Length of which a multiple has attention in blocks in a graph of its own. */
const ATTENTION_BLOCK = 128;
/** Graphs that are kept of batches that have their own. */
const OWN_GRAPHS = 24;

/** Inputs of a function of a micro-batch. */
interface BatchInputs {
  readonly batch: BatchTensors;
  readonly noise?: object;
}

/** The arrays that a compiled function of a micro-batch is called with. */
type Arrays<Inputs> = Omit<ArrayInputs<Inputs>, 'batch'> & { readonly batch: BatchArrays };

/** A compiled function of a micro-batch. */
export interface BatchGraphs<Inputs, Outputs> {
  run(inputs: Arrays<Inputs>, options?: RunOptions): Promise<Outputs>;
  /** Graphs that were compiled so far. */
  readonly executables: readonly ExecutableInfo[];
  dispose(): void;
}

/**
 * Compiles a function of a micro-batch. A graph with gradients takes seconds and tens of megabytes, so that batches of all lengths
 * share one. Those have their own for which it does more: long sequences, of which it computes the attention in blocks, and many
 * logits, which it computes in parts. Batches with noise, objectives without `perToken` and accelerators have a graph for each set
 * of shapes too.
 *
 * @param fn a pure function, which hands the `tables` of its batch on
 */
export function compileForBatches<Inputs extends BatchInputs, Outputs extends object, InPlace extends string>(
  config: ModelConfig,
  objective: Pick<Objective<never>, 'perToken'>,
  fn: (inputs: Inputs) => Outputs,
  options: CompileOptions<InPlace, never> & { readonly device: DeviceName | 'auto' },
): BatchGraphs<Inputs, Results<Outputs, InPlace, never>> {
  const tablesFor = growingPositionArrays(config);
  const perToken = objective.perToken?.map((name) => [`batch/${name}`, ['P']]) ?? [];
  const dimensions = {
    ...Object.fromEntries(perToken),
    'batch/tables': positionDimensions.tables,
    'batch/tokens': [null, 'T'],
  };
  const shared = compile(fn, { ...options, dimensions });
  const own = compile(fn, { ...options, maxExecutables: OWN_GRAPHS });
  // An array for each tensor of the inputs, whatever these are.
  const call = (compiled: typeof own, inputs: object, runOptions?: RunOptions) =>
    compiled(inputs as ArrayInputs<Inputs>, runOptions);
  return {
    async run(inputs, runOptions) {
      const { batch } = inputs;
      const isShared = options.device === 'cpu' && canShare(config, objective, inputs);
      if (!isShared) return call(own, inputs, runOptions);
      const tables = tablesFor(batch.tokens.shape[1]);
      return call(shared, { ...inputs, batch: { ...batch, tables } }, runOptions);
    },
    get executables() {
      return [...shared.executables, ...own.executables];
    },
    dispose() {
      shared.dispose();
      own.dispose();
    },
  };
}

/** Whether a graph for all lengths computes a batch as well as one of its own would. */
function canShare(
  { vocabSize }: ModelConfig,
  { perToken }: Pick<Objective<never>, 'perToken'>,
  { batch, noise = {} }: { readonly batch: BatchArrays; readonly noise?: object },
): boolean {
  // The number of rows of the noise is that of tokens, a product of two sizes.
  if (perToken === undefined || Object.keys(noise).length > 0) return false;
  const [, length] = batch.tokens.shape;
  const hasBlocks = length > ATTENTION_BLOCK && length % ATTENTION_BLOCK === 0;
  const supervised = perToken.map((name) => batch[name]).find(isNDArray);
  const [count = 0] = supervised?.shape ?? [];
  return !hasBlocks && count * vocabSize <= LOGITS_AT_ONCE;
}
