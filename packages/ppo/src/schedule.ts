import { createRandom } from '@gram/base';

/** What happens in one step. */
export interface StepPlan {
  /** False while the value model warms up alone. */
  readonly updatePolicy: boolean;
  /** Whether the policy is scored on the validation prompts after the step. */
  readonly evaluate: boolean;
  /** Whether the state of the run is written after the step. */
  readonly checkpoint: boolean;
}

/**
 * The plan of step `step`, counted from 1. The last step is always scored and written.
 */
export function planStep(
  options: {
    readonly steps: number;
    readonly valueOnlySteps: number;
    readonly evaluateEvery: number;
    readonly checkpointEvery: number;
  },
  step: number,
): StepPlan {
  const due = (every: number) => step % every === 0 || step === options.steps;
  return {
    updatePolicy: step > options.valueOnlySteps,
    evaluate: due(options.evaluateEvery),
    checkpoint: due(options.checkpointEvery),
  };
}

/**
 * The prompts of step `step`, counted from 1: the list is gone through in a new random order each time. A pure function
 * of its arguments, so that a resumed run takes the same ones.
 *
 * @returns `batchSize` indices below `prompts`
 */
export function promptsOfStep(prompts: number, batchSize: number, seed: number, step: number): number[] {
  const orders = new Map<number, number[]>();
  const orderOf = (round: number) => {
    const known = orders.get(round);
    if (known !== undefined) return known;
    const all = Array.from({ length: prompts }, (_, i) => i);
    const order = createRandom(seed, 'prompts', round).shuffle(all);
    orders.set(round, order);
    return order;
  };
  return Array.from({ length: batchSize }, (_, i) => {
    const at = (step - 1) * batchSize + i;
    return orderOf(Math.floor(at / prompts))[at % prompts]!;
  });
}

/** Responses of one step in mini-batches, in an order of their own for each PPO epoch. */
export function miniBatches<T>(
  items: readonly T[],
  size: number,
  seed: number,
  step: number,
  epoch: number,
): T[][] {
  const order = createRandom(seed, 'mini-batches', step, epoch).shuffle(items);
  return Array.from({ length: Math.ceil(order.length / size) }, (_, i) =>
    order.slice(i * size, (i + 1) * size),
  );
}
