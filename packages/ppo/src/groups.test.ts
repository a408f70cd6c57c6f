import { readFileSync } from 'node:fs';
import { compile, float32 } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type MeasuredResponse, makeExperience } from './advantages/experience.js';
import { grpoAdvantages, rlooAdvantages } from './advantages/groups.js';
import { summarizeRatios, truncatedRatios } from './advantages/importance.js';
import { adaptedKlWeight } from './advantages/kl-weight.js';
import { lossAggregations, responseWeight, tokenWeight } from './losses/aggregation.js';
import { entropies } from './losses/entropy.js';
import { policyTerms } from './losses/policy-loss.js';
import { standardize } from './rewards/score-queue.js';

// Made by tools/make-group-fixtures.py with NumPy and PyTorch, in float64.
type Row = (number | null)[];
interface Case<Input, Expected> {
  readonly name: string;
  readonly input: Input;
  readonly expected: Expected;
}
interface Sections {
  maskedGroups: Case<{ scores: Row }, Record<'rloo' | 'grpo' | 'none', Row>>;
  maskedQueue: Case<{ capacity: number; batches: Row[] }, { standardized: Row[]; held: number[] }>;
  experience: Case<
    {
      groups: {
        score: number | null;
        isMasked: boolean;
        logProbabilities: number[];
        reference: number[];
        values: number[];
      }[][];
      advantages: 'gae' | 'rloo' | 'grpo';
      groupScale: 'deviation' | 'none';
      in: 'reward' | 'loss';
      weight: number;
    },
    { learned: { place: number; advantages: number[]; returns?: number[] }[] }
  >;
  clip: Case<
    Record<'logProbs' | 'old' | 'advantages', number[]> & { low: number; high: number },
    { loss: number; gradient: number[]; clipped: number }
  >;
  aggregation: Case<
    { rows: number[][]; maxNewTokens: number },
    Record<'token' | 'sequence' | 'fixed', number>
  >;
  entropy: Case<{ logits: number[][] }, { values: number[]; gradient: number[][] }>;
  klWeight: Case<
    { kl: number[]; weight: number; target: number; horizon: number; responses: number },
    { weights: number[] }
  >;
  importance: Case<
    Record<'own' | 'drawn' | 'logProbs' | 'advantages', number[]> & { cap: number },
    { weights: number[]; loss: number; gradient: number[]; summary: Record<string, number> }
  >;
}
const sections: { [Name in keyof Sections]: Sections[Name][] } = JSON.parse(
  readFileSync(new URL('./__fixtures__/groups.json', import.meta.url), 'utf8'),
);
const cases = <Name extends keyof Sections>(section: Name) =>
  sections[section].map(({ name, input, expected }) => [name, input, expected] as const) as [
    string,
    Sections[Name]['input'],
    Sections[Name]['expected'],
  ][];

/** Expects the same nulls, and numbers that differ by at most `bound` of the largest or of 1. */
function expectClose(actual: unknown, expected: unknown, bound = 1e-10): void {
  const [a, b] = [actual, expected].map((value) => [value].flat(3) as Row) as [Row, Row];
  expect(a.map((value) => value === null)).toEqual(b.map((value) => value === null));
  const scale = Math.max(1, ...b.map((value) => Math.abs(value ?? 0)));
  for (const [i, value] of a.entries()) {
    expect(Math.abs((value ?? 0) - (b[i] ?? 0)) / scale).toBeLessThanOrEqual(bound);
  }
}

const vector = (values: readonly number[]) => float32([values.length], [...values]);

describe('responses without a reward against the independent script', () => {
  it.each(cases('maskedGroups'))('baselines: %s', (_name, { scores }, expected) => {
    expectClose(rlooAdvantages(scores), expected.rloo);
    expectClose(grpoAdvantages(scores), expected.grpo);
    expectClose(grpoAdvantages(scores, { scale: 'none' }), expected.none);
  });

  it.each(cases('maskedQueue'))('queue: %s', (_name, { capacity, batches }, expected) => {
    let queue: readonly number[] = [];
    for (const [i, scores] of batches.entries()) {
      const result = standardize(queue, scores, capacity);
      expectClose(result.standardized, expected.standardized[i]);
      queue = result.queue;
    }
    expect(queue).toEqual(expected.held);
  });

  it.each(cases('experience'))('experience: %s', (_name, { groups, weight, ...input }, { learned }) => {
    const measured = groups.map((group, row) =>
      group.map(
        ({ reference, ...response }, column): MeasuredResponse => ({
          ...response,
          // The prompt names the response.
          ids: [4 * row + column, ...response.values.map(() => 1)],
          lossFrom: 1,
          reference: { logProbabilities: reference },
        }),
      ),
    );
    const { advantages, groupScale } = input;
    const options = { advantages, groupScale, discount: 0.99, lambda: 0.9 };
    const found = makeExperience(measured, {
      ...options,
      kl: { weight, estimator: 'k1', in: input.in },
    });
    expect(found.map(({ ids }) => ids[0])).toEqual(learned.map(({ place }) => place));
    for (const [i, { advantages, returns, klWeight }] of found.entries()) {
      expectClose(advantages, learned[i]!.advantages);
      expectClose(returns ?? [], learned[i]!.returns ?? []);
      expect(klWeight).toBe(input.in === 'loss' ? weight : 0);
    }
  });
});

describe('losses against the independent script', () => {
  it.each(cases('clip'))('two bounds of the ratio: %s', async (_name, input, expected) => {
    const run = ({ own, old, advantages }: Record<'own' | 'old' | 'advantages', tf.Tensor1D>) => {
      const terms = (x: tf.Tensor) => policyTerms(x as tf.Tensor1D, old, advantages, input);
      return {
        loss: tf.mean(terms(own).losses),
        gradient: tf.grad((x) => tf.mean(terms(x).losses))(own),
        clipped: tf.mean(terms(own).clipped),
      };
    };
    const inputs = {
      own: vector(input.logProbs),
      old: vector(input.old),
      advantages: vector(input.advantages),
    };
    const { loss, gradient, clipped } = await compile(run)(inputs);
    expectClose([...loss.data], expected.loss, 1e-5);
    expectClose([...gradient.data], expected.gradient, 1e-5);
    expectClose([...clipped.data], expected.clipped, 1e-5);
  });

  it.each(cases('importance'))('tokens of a rounded policy: %s', async (_name, input, expected) => {
    const weights = truncatedRatios(input.own, input.drawn, input.cap);
    expectClose(weights, expected.weights);
    const logs = input.own.map((own, i) => own - input.drawn[i]!);
    const summary: Record<string, number> = {
      ...summarizeRatios([logs.slice(0, 4), logs.slice(4)], input.cap),
    };
    expect(Object.keys(summary)).toEqual(Object.keys(expected.summary));
    expectClose(Object.values(summary), Object.values(expected.summary));
    const run = (inputs: Record<'own' | 'old' | 'advantages' | 'weights', tf.Tensor1D>) => {
      const bounds = { low: 0.2, high: 0.2 };
      const loss = (x: tf.Tensor) =>
        tf.mean(
          tf.mul(policyTerms(x as tf.Tensor1D, inputs.old, inputs.advantages, bounds).losses, inputs.weights),
        );
      return { loss: loss(inputs.own), gradient: tf.grad(loss)(inputs.own) };
    };
    const { loss, gradient } = await compile(run)({
      own: vector(input.logProbs),
      old: vector(input.own),
      advantages: vector(input.advantages),
      weights: vector(weights),
    });
    expectClose([...loss.data], expected.loss, 1e-5);
    expectClose([...gradient.data], expected.gradient, 1e-5);
  });

  it.each(cases('aggregation'))('means: %s', (_name, { rows, maxNewTokens }, expected) => {
    for (const aggregation of lossAggregations) {
      const total = rows.reduce((sum, row) => sum + responseWeight(aggregation, row.length), 0);
      const loss = rows.reduce((sum, row) => {
        const weight = tokenWeight(aggregation, total, { tokens: row.length, maxNewTokens });
        return sum + weight * row.reduce((a, b) => a + b, 0);
      }, 0);
      expectClose(loss, expected[aggregation]);
    }
  });

  it.each(cases('entropy'))('entropy: %s', async (_name, { logits }, expected) => {
    const run = ({ logits }: { logits: tf.Tensor2D }) => ({
      values: entropies(logits),
      gradient: tf.grad((x) => tf.sum(entropies(x as tf.Tensor2D)))(logits),
    });
    const rows = float32([logits.length, logits[0]!.length], logits.flat());
    const { values, gradient } = await compile(run)({ logits: rows });
    expectClose([...values.data], expected.values, 1e-5);
    expectClose([...gradient.data], expected.gradient, 1e-5);
  });
});

describe('the adaptive KL against the independent script', () => {
  it.each(cases('klWeight'))('%s', (_name, { kl, responses, ...input }, { weights }) => {
    let weight = input.weight;
    for (const [i, measured] of kl.entries()) {
      weight = adaptedKlWeight(weight, { kl: measured, responses }, input);
      expectClose(weight, weights[i]);
    }
  });
});
