import { createRandom } from '@gram/base';

/** Sizes and seed from which the batches of a run follow. */
export interface BatchPlan {
  readonly examples: number;
  readonly batchSize: number;
  readonly epochs: number;
  readonly seed: number;
}

/** Batches that are sorted by length together: long enough to save padding, short enough to mix. */
const poolBatches = 16;

/** Optimizer steps of a run; the last batch of an epoch may be smaller. */
export function totalSteps({ examples, batchSize, epochs }: BatchPlan): number {
  return Math.ceil(examples / batchSize) * epochs;
}

/**
 * The examples of every optimizer step of one epoch, a pure function of seed and epoch.
 *
 * Examples are shuffled, sorted by length within pools of a few batches so that a batch holds
 * sequences of similar length, and the batches are shuffled again.
 */
export function epochBatches(plan: BatchPlan, epoch: number, length: (index: number) => number): number[][] {
  const random = createRandom(plan.seed, 'batches', epoch);
  const order = random.shuffle(Array.from({ length: plan.examples }, (_, i) => i));
  const batches: number[][] = [];
  const pool = plan.batchSize * poolBatches;
  for (let start = 0; start < order.length; start += pool) {
    const sorted = order.slice(start, start + pool).sort((a, b) => length(a) - length(b) || a - b);
    for (let i = 0; i < sorted.length; i += plan.batchSize) batches.push(sorted.slice(i, i + plan.batchSize));
  }
  return random.shuffle(batches);
}
