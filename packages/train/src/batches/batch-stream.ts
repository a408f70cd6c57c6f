import type { Place } from '../distributed/communicator.js';
import type { ExampleSource } from '../examples/source.js';
import type { BatchArrays } from '../objectives/batch.js';
import type { Objective } from '../objectives/objective.js';
import { type BatchPlan, epochBatches, totalSteps } from './epoch-batches.js';
import { batchOf, shareOf } from './micro-batches.js';

/** The examples of one optimizer step, as one rank computes them. */
export interface StepBatch {
  /** Number of steps before this one, which is the position in the stream. */
  readonly position: number;
  /** The micro-batches of the rank. */
  readonly arrays: readonly BatchArrays[];
  /** Tokens of the whole step, those of other ranks included and padding left out. */
  readonly tokens: number;
}

/** Options of `batchStream`. */
export interface BatchStreamOptions extends Pick<Place, 'rank'> {
  /** Number of steps to leave out. @default 0 */
  readonly position?: number;
  readonly microBatchSize: number;
  /** Number of ranks that share each step. */
  readonly size: number;
}

/**
 * Gives the batches of a run, one step after the other. They follow from the plan, the lengths of the examples and the position
 * alone: a stream from any position on is the rest of the whole one, byte for byte. Each rank reads its share of a step and
 * nothing else; the shares of all ranks are the step.
 */
export async function* batchStream<Example>(
  plan: BatchPlan,
  objective: Objective<Example>,
  source: ExampleSource<Example>,
  { position = 0, microBatchSize, ...place }: BatchStreamOptions,
): AsyncGenerator<StepBatch> {
  const stepsPerEpoch = totalSteps({ ...plan, epochs: 1 });
  const sum = (indices: readonly number[], of: (index: number) => number) =>
    indices.reduce((total, index) => total + of(index), 0);
  for (let epoch = Math.floor(position / stepsPerEpoch); epoch < plan.epochs; epoch++) {
    const batches = epochBatches(plan, epoch, source.length);
    const first = Math.max(0, position - epoch * stepsPerEpoch);
    for (const [step, indices] of batches.entries()) {
      if (step < first) continue;
      const weight = sum(indices, source.weight);
      const arrays = [];
      for (const part of shareOf(indices, microBatchSize, place)) {
        const examples = await source.read(part);
        const formed = examples.map((example) => objective.inEpoch?.(example, epoch) ?? example);
        arrays.push(batchOf(objective, formed, microBatchSize, weight));
      }
      yield { position: epoch * stepsPerEpoch + step, arrays, tokens: sum(indices, source.length) };
    }
  }
}
