import type { AnyArray, DeviceName, NDArray, Precision } from '@gram/engine';
import type { ModelConfig } from '@gram/model';
import { batchOf, shareOf } from '../batches/micro-batches.js';
import { elementAt, entryOf } from '../checked.js';
import { type Communicator, singleProcess } from '../distributed/communicator.js';
import { byLength, type ExampleSource } from '../examples/source.js';
import type { BatchTensors } from '../objectives/batch.js';
import type { Objective } from '../objectives/objective.js';
import type { NamedTensors } from '../optimizers/optimizer.js';
import { type TrainedPart, wholeModel } from '../parts/trained-part.js';
import type { ValidationResult } from '../training-record.js';
import { compileForBatches } from './batch-graphs.js';

/** Measures weights on examples that they are not trained on. */
export interface Validation {
  /** The mean over all examples; all ranks call it together and get the same. */
  run(weights: Readonly<Record<string, AnyArray<'float32'>>>): Promise<ValidationResult>;
  dispose(): void;
}

/** Options of `createValidation`. */
export interface ValidationOptions {
  /** The part of the model that the weights are. @default wholeModel */
  readonly part?: TrainedPart;
  /** Examples that are computed at once. */
  readonly microBatchSize: number;
  /** Device of the computation. @default 'cpu' */
  readonly device?: DeviceName | 'auto';
  /** Element type of matrix products. @default 'float32' */
  readonly precision?: Precision;
  /** Ranks that share the examples. @default singleProcess */
  readonly communicator?: Communicator;
}

/** The objective's loss and metrics on held-out examples: without gradients, and without the dropout of an adapter. */
export function createValidation<Example>(
  config: ModelConfig,
  objective: Objective<Example>,
  examples: ExampleSource<Example>,
  options: ValidationOptions,
): Validation {
  const {
    part = wholeModel,
    microBatchSize,
    device = 'cpu',
    precision,
    communicator = singleProcess,
  } = options;
  // Neighbors of similar length need little padding.
  const order = byLength(examples);
  const total = order.reduce((sum, index) => sum + examples.weight(index), 0);
  const share = shareOf(order, microBatchSize, communicator);
  const forward = compileForBatches(
    config,
    objective,
    (inputs: { weights: NamedTensors; frozen: NamedTensors; batch: BatchTensors }) => {
      const { weights, frozen, batch } = inputs;
      const { loss, metrics } = objective.loss(config, part.weights(weights, frozen), batch);
      return { loss, ...metrics };
    },
    { device, precision },
  );
  return {
    async run(weights) {
      const names = ['loss', ...objective.metrics] as const;
      const sums = new Float64Array(names.length);
      for (const indices of share) {
        const batch = batchOf(objective, await examples.read(indices), microBatchSize, total);
        const out: Readonly<Record<string, NDArray>> = await forward.run({
          weights,
          frozen: part.frozen,
          batch,
        });
        for (const [i, name] of names.entries()) {
          sums[i] = elementAt(sums, i) + elementAt(entryOf(out, name).data, 0);
        }
      }
      await communicator.allReduceSum(sums);
      const [loss = Number.NaN, ...rest] = sums;
      const metrics = rest.map((sum, i) => [elementAt(objective.metrics, i), sum]);
      return { loss, ...Object.fromEntries(metrics) };
    },
    dispose: () => forward.dispose(),
  };
}
