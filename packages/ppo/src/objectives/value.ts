import { valuesAt } from '@gram/model';
import { type Objective, type Vector, weightedSum } from '@gram/train';
import { valueLosses } from '../losses/value-loss.js';
import {
  PER_TOKEN,
  type ResponseBatch,
  type ResponseTokens,
  responseLayout,
  responseLength,
} from './response-layout.js';

/** A response with the value and the return of the state before each of its tokens. */
export interface ValueExample extends ResponseTokens {
  readonly values: readonly number[];
  readonly returns: readonly number[];
}

type ValueBatch = ResponseBatch & {
  /** `[P]`: values under the model that the advantages came from. */
  readonly old: Vector<'float32'>;
  /** `[P]` */
  readonly returns: Vector<'float32'>;
};

/**
 * Makes the objective of the value model: the mean of `valueLosses` over all response tokens of a mini-batch.
 *
 * @param clip see `valueLosses`
 */
export function valueObjective(clip: number): Objective<ValueExample, ValueBatch, never> {
  return {
    name: `ppo value, clip ${clip}`,
    metrics: [],
    perToken: [...PER_TOKEN, 'old', 'returns'],
    length: ({ ids }) => ids.length,
    weight: responseLength,
    batch(examples, rows, length, total) {
      const { arrays, column } = responseLayout(examples, rows, length, () => 1 / total);
      return { ...arrays, old: column(({ values }) => values), returns: column(({ returns }) => returns) };
    },
    loss(config, weights, { tokens, positions, old, returns, weights: shares, tables }) {
      const values = valuesAt(config, weights, tokens, positions, tables);
      return { loss: weightedSum(valueLosses(values, old, returns, clip), shares), metrics: {} };
    },
  };
}
