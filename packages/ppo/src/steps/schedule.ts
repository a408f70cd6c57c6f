import { createRandom } from '@gram/base';
import { learningRateAt } from '@gram/train';
import type { PpoOptions } from '../options.js';

/** Plan of one step. */
export interface StepPlan {
  /** Number of the step, from 1. */
  readonly step: number;
  /** False while the value model warms up alone. */
  readonly updatePolicy: boolean;
  /** Whether the policy is scored on the validation prompts after the step. */
  readonly evaluate: boolean;
  /** Learning rates of the gradient steps. That of the policy counts the steps in which it learns. */
  readonly policyLearningRate: number;
  readonly valueLearningRate: number;
}

/** Plans a step, counted from 1. The last step is always scored. */
export function planStep(
  options: Pick<
    PpoOptions,
    | 'steps'
    | 'valueOnlySteps'
    | 'evaluateEvery'
    | 'policyLearningRate'
    | 'valueLearningRate'
    | 'schedule'
    | 'warmupRatio'
  >,
  step: number,
): StepPlan {
  const { steps, valueOnlySteps, schedule, warmupRatio } = options;
  const rate = (learningRate: number, before: number) =>
    learningRateAt(
      { schedule, learningRate, warmupRatio, totalSteps: steps - before },
      Math.max(0, step - 1 - before),
    );
  return {
    step,
    updatePolicy: step > options.valueOnlySteps,
    evaluate: step % options.evaluateEvery === 0 || step === options.steps,
    policyLearningRate: rate(options.policyLearningRate, valueOnlySteps),
    valueLearningRate: rate(options.valueLearningRate, 0),
  };
}

/**
 * Chooses the prompts of a step, counted from 1: each round goes through the list in a new random order. A pure
 * function of its arguments, so that a resumed run takes the same ones.
 *
 * @returns `batchSize` prompts
 */
export function promptsOfStep<T>(
  prompts: readonly T[],
  batchSize: number,
  { seed, step }: { readonly seed: number; readonly step: number },
): T[] {
  const start = (step - 1) * batchSize;
  const first = Math.floor(start / prompts.length);
  const rounds = Math.ceil((start + batchSize) / prompts.length) - first;
  const order = Array.from({ length: rounds }, (_, round) =>
    createRandom(seed, 'prompts', first + round).shuffle(prompts),
  ).flat();
  const skipped = start - first * prompts.length;
  return order.slice(skipped, skipped + batchSize);
}

/** Splits the responses of one step into mini-batches, in an order of their own for each PPO epoch. */
export function miniBatches<T>(
  items: readonly T[],
  size: number,
  { seed, step, epoch }: { readonly seed: number; readonly step: number; readonly epoch: number },
): T[][] {
  const order = createRandom(seed, 'mini-batches', step, epoch).shuffle(items);
  return Array.from({ length: Math.ceil(order.length / size) }, (_, i) =>
    order.slice(i * size, (i + 1) * size),
  );
}
