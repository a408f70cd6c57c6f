import { type NDArray, zeros } from '@gram/engine';
import type * as tf from '@tensorflow/tfjs-core';

/** Tensors by weight name. */
export type NamedTensors = Readonly<Record<string, tf.Tensor>>;

/** Moments of the gradients that an optimizer keeps: arrays by slot and weight name, as `m` and `v` of AdamW. */
export type Moments<T, Slot extends string = string> = Readonly<Record<Slot, Readonly<Record<string, T>>>>;

/** The numbers that change from step to step; each is a scalar input of the update. */
export type StepScalars<T, Scalar extends string = string> = Readonly<Record<Scalar, T>>;

/** Result of one update: the new weights and moments. */
export interface OptimizerUpdate<Slot extends string = string> {
  readonly weights: Record<string, tf.Tensor>;
  readonly moments: Record<Slot, Record<string, tf.Tensor>>;
}

/** An optimizer as pure functions, with the names of its slots and of its scalars. */
export interface Optimizer<Slot extends string = string, Scalar extends string = string> {
  /** Names the rule and its constants; a run is resumed with the same ones only. */
  readonly name: string;
  /**
   * Whether each number of a weight is updated by itself, with slots of the weight's shape: a part of a weight is then updated
   * as in the whole, and several processes share the weight. @default false
   */
  readonly isElementwise?: boolean;
  /** Shapes of what is remembered of a weight, by slot. It begins as zeros. */
  slots(shape: readonly number[]): Readonly<Record<string, readonly number[]>>;
  /**
   * The scalars of one update.
   *
   * @param t number of the update, from 1
   * @param gradientScale factor on the gradients, for clipping
   */
  scalars(t: number, learningRate: number, gradientScale: number): StepScalars<number, Scalar>;
  /** One update: everything in, everything out. */
  update(
    weights: NamedTensors,
    moments: Moments<tf.Tensor, Slot>,
    gradients: NamedTensors,
    step: StepScalars<tf.Tensor, Scalar>,
  ): OptimizerUpdate<Slot>;
}

/** Whether a value has the functions of an optimizer. */
export function isOptimizer(value: unknown): value is Optimizer {
  return typeof value === 'object' && value !== null && 'update' in value && 'slots' in value;
}

/** Whether decay applies to a weight: to matrices, and never to vectors, which are gains of norms and biases. */
export function isDecayed(rank: number): boolean {
  return rank > 1;
}

/** Shapes of all that an optimizer remembers, by slot and weight name. Slots that no weight has are left out. */
export function momentShapes(
  optimizer: Optimizer,
  weights: Readonly<Record<string, { readonly shape: readonly number[] }>>,
): Record<string, Record<string, readonly number[]>> {
  const shapes: Record<string, Record<string, readonly number[]>> = {};
  for (const [name, { shape }] of Object.entries(weights)) {
    for (const [slot, size] of Object.entries(optimizer.slots(shape))) {
      shapes[slot] ??= {};
      shapes[slot][name] = size;
    }
  }
  return shapes;
}

/** Makes the moments before the first update: zeros. */
export function initMoments(
  optimizer: Optimizer,
  weights: Readonly<Record<string, { readonly shape: readonly number[] }>>,
): Moments<NDArray<'float32'>> {
  return Object.fromEntries(
    Object.entries(momentShapes(optimizer, weights)).map(([slot, named]) => [
      slot,
      Object.fromEntries(Object.entries(named).map(([name, shape]) => [name, zeros(shape)])),
    ]),
  );
}

/** Counts the numbers that an optimizer keeps. */
export function momentValues(
  optimizer: Optimizer,
  weights: Readonly<Record<string, { readonly shape: readonly number[] }>>,
): number {
  let values = 0;
  for (const named of Object.values(momentShapes(optimizer, weights))) {
    for (const shape of Object.values(named))
      values += shape.reduce((size, dimension) => size * dimension, 1);
  }
  return values;
}
