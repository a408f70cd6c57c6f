import { float32, int32 } from '@gram/engine';
import type * as tf from '@tensorflow/tfjs-core';
import { describe, expectTypeOf, it } from 'vitest';
import type { createTrainingStep } from '../steps/training-step.js';
import {
  type BatchArrays,
  type BatchTensors,
  type Matrix,
  padRows,
  rowWeights,
  type Vector,
} from './batch.js';
import { bradleyTerry } from './bradley-terry.js';
import type { Objective } from './objective.js';
import { preference } from './preference.js';

type Shape = {
  readonly tokens: Matrix<'int32'>;
  readonly weights: Vector<'float32'>;
  readonly margins?: Vector<'float32'>;
};

describe('the types of a batch', () => {
  it('know names, element types and axes', () => {
    const tokens = padRows([[1, 2]], 1, 2);
    const weights = rowWeights([1], 1, 1);
    const batch: BatchArrays<Shape> = { tokens, weights };
    expectTypeOf(batch.tokens.shape).toEqualTypeOf<readonly [number, number]>();
    // @ts-expect-error: weights are missing
    const without: BatchArrays<Shape> = { tokens };
    // @ts-expect-error: tokens are integers
    const floats: BatchArrays<Shape> = { tokens: float32([1, 2], [0, 0]), weights };
    // @ts-expect-error: tokens have two axes
    const flat: BatchArrays<Shape> = { tokens: int32([2], [0, 0]), weights };
    void [without, floats, flat];
    expectTypeOf<BatchTensors<Shape>['tokens']>().toEqualTypeOf<tf.Tensor2D>();
    expectTypeOf<BatchTensors<Shape>['weights']>().toEqualTypeOf<tf.Tensor1D>();
    expectTypeOf<BatchTensors<Shape>['margins']>().toEqualTypeOf<tf.Tensor1D | undefined>();
    expectTypeOf<BatchTensors<Shape>>().not.toHaveProperty('targets');
  });

  it('let the trainer take an objective of any shape', () => {
    expectTypeOf(preference({ labels: [1, 2] })).toExtend<Objective<Parameters<typeof lengthOf>[0]>>();
  });

  it('give metrics under the names of the objective', () => {
    const objective = bradleyTerry();
    type Step = ReturnType<typeof createTrainingStep<Parameters<typeof objective.length>[0], 'accuracy'>>;
    type Metrics = Awaited<ReturnType<Step['run']>>['metrics'];
    expectTypeOf<Metrics>().toEqualTypeOf<Readonly<Record<'accuracy', number>>>();
    expectTypeOf(objective.metrics).toEqualTypeOf<readonly 'accuracy'[]>();
  });
});

const { length: lengthOf } = preference({ labels: [1, 2] });
