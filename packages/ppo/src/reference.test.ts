import { readFileSync } from 'node:fs';
import { compile, float32, int32, type NDArray } from '@gram/engine';
import { maxRelativeDifference } from '@gram/engine/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { gae } from './advantages/gae.js';
import { grpoAdvantages, rlooAdvantages } from './advantages/groups.js';
import { responseRewards } from './advantages/response-rewards.js';
import { whiten } from './advantages/whiten.js';
import { fullKl, klEstimate, klTerms } from './losses/kl.js';
import { policyTerms } from './losses/policy-loss.js';
import { valueLosses } from './losses/value-loss.js';
import { standardize } from './rewards/score-queue.js';
import { planStep } from './steps/schedule.js';

// Made by tools/make-ppo-fixtures.py with PyTorch, in float64.
interface Case<Input, Expected> {
  readonly name: string;
  readonly input: Input;
  readonly expected: Expected;
}
type Estimate = { values: number[]; gradient: number[][] };
interface Sections {
  gae: Case<
    { rewards: number[]; values: number[]; discount: number; lambda: number },
    { advantages: number[]; returns: number[] }
  >;
  whiten: Case<{ rows: number[][] }, { rows: number[][] }>;
  groups: Case<{ scores: number[] }, { rloo: number[]; grpo: number[] }>;
  kl: Case<
    { policyLogits: number[][]; referenceLogits: number[][]; tokens: number[] },
    { logProbs: number[]; referenceLogProbs: number[] } & Record<'k1' | 'k2' | 'k3' | 'full', Estimate>
  >;
  policyLoss: Case<
    Record<'tokens' | 'oldLogProbs' | 'advantages' | 'weights', number[]> & {
      logits: number[][];
      clip: number;
    },
    Record<'loss' | 'gradient' | 'clipFraction' | 'approxKl' | 'ratios', unknown>
  >;
  valueLoss: Case<
    Record<'values' | 'oldValues' | 'returns' | 'weights', number[]> & { clip: number },
    { loss: number; gradient: number[] }
  >;
  responseRewards: Case<{ score: number; kl: number[]; klWeight: number }, { rewards: number[] }>;
  queue: Case<
    { capacity: number; batches: number[][] },
    { standardized: number[][]; sizes: number[]; held: number[] }
  >;
  scaling: Case<
    { scores: number[]; mean: number; std: number; rewardScale: number },
    { standardizedFirst: number[]; scaledFirst: number[] }
  >;
  schedule: Case<
    { steps: number; valueOnlySteps: number; evaluateEvery: number },
    { steps: { step: number; updatePolicy: boolean; evaluate: boolean }[] }
  >;
}
const sections: { [Name in keyof Sections]: Sections[Name][] } = JSON.parse(
  readFileSync(new URL('./__fixtures__/ppo.json', import.meta.url), 'utf8'),
);
const cases = <Name extends keyof Sections>(section: Name) => {
  const found: Sections[Name][] = sections[section];
  expect(found.length).toBeGreaterThan(0);
  return found.map(({ name, input, expected }) => [name, input, expected] as const) as [
    string,
    Sections[Name]['input'],
    Sections[Name]['expected'],
  ][];
};

/** The largest difference, relative to the largest expected magnitude or to 1. */
function difference(actual: unknown, expected: unknown): number {
  const [a, b] = [actual, expected].map((value) => [value].flat(3) as number[]) as [number[], number[]];
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  const scale = Math.max(1, ...b.map(Math.abs));
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / scale;
}

const vector = (values: readonly number[]) => float32([values.length], values);
const matrix = (rows: readonly (readonly number[])[]) => float32([rows.length, rows[0]!.length], rows.flat());
const ids = (values: readonly number[]) => int32([values.length], values);

/** log softmax(logits) of one token a row. */
function chosen(logits: tf.Tensor2D, tokens: tf.Tensor1D): tf.Tensor1D {
  const oneHot = tf.oneHot(tokens, logits.shape[1], 1, 0, 'float32');
  return tf.sum(tf.mul(tf.logSoftmax(logits), oneHot), -1);
}

describe('pure functions against the independent script', () => {
  it.each(cases('gae'))('gae: %s', (_name, input, expected) => {
    expect(
      difference(Object.values(gae(input.rewards, input.values, input)), Object.values(expected)),
    ).toBeLessThan(1e-12);
  });

  it.each(cases('whiten'))('whiten: %s', (_name, { rows }, expected) => {
    expect(difference(whiten(rows), expected.rows)).toBeLessThan(1e-10);
  });

  it.each(cases('groups'))('rloo and grpo: %s', (_name, { scores }, expected) => {
    expect(difference(rlooAdvantages(scores), expected.rloo)).toBeLessThan(1e-12);
    expect(difference(grpoAdvantages(scores), expected.grpo)).toBeLessThan(1e-12);
  });

  it.each(cases('responseRewards'))('rewards of tokens: %s', (_name, { score, kl, klWeight }, expected) => {
    expect(difference(responseRewards(score, kl, klWeight), expected.rewards)).toBeLessThan(1e-12);
  });

  it.each(cases('queue'))('queue: %s', (_name, input, expected) => {
    const { capacity, batches } = input;
    let queue: readonly number[] = [];
    for (const [i, scores] of batches.entries()) {
      const result = standardize(queue, scores, capacity);
      expect(difference(result.standardized, expected.standardized[i])).toBeLessThan(1e-10);
      queue = result.queue;
      expect(queue).toHaveLength(expected.sizes[i]!);
    }
    expect(queue.slice(-expected.held.length)).toEqual(expected.held);
  });

  it.each(cases('scaling'))('the scale comes after the queue: %s', (_name, input, expected) => {
    const { scores, mean, std, rewardScale } = input;
    // Two scores around the mean make a queue with these statistics; it must not be shorter than the batch.
    const queue = Array.from({ length: 2 * scores.length }, (_, i) => mean + (i % 2 === 0 ? std : -std));
    const scaled = standardize(queue, scores, 1000).standardized.map((z) => rewardScale * z);
    expect(difference(scaled, expected.standardizedFirst)).toBeLessThan(1e-9);
    // In the other order the scale would be lost.
    expect(difference(scaled, expected.scaledFirst)).toBeGreaterThan(0.1);
  });

  it.each(cases('schedule'))('schedule: %s', (_name, input, expected) => {
    const rates = { policyLearningRate: 1e-5, valueLearningRate: 5e-6 };
    const options = { ...input, ...rates, schedule: 'constant', warmupRatio: 0 } as const;
    for (const { step, updatePolicy, evaluate } of expected.steps) {
      expect(planStep(options, step)).toMatchObject({ updatePolicy, evaluate, ...rates });
    }
  });
});

describe('KL estimators against the independent script', () => {
  it.each(cases('kl'))('%s', async (_name, input, expected) => {
    const inputs = {
      policy: matrix(input.policyLogits),
      reference: matrix(input.referenceLogits),
      tokens: ids(input.tokens),
    };
    type Inputs = { policy: tf.Tensor2D; reference: tf.Tensor2D; tokens: tf.Tensor1D };
    for (const estimator of ['k1', 'k2', 'k3', 'full'] as const) {
      const run = ({ policy, reference, tokens }: Inputs) => {
        const terms = (logits: tf.Tensor2D) =>
          estimator === 'full'
            ? fullKl(logits, reference)
            : klTerms(estimator, chosen(logits, tokens), chosen(reference, tokens));
        const gradient = tf.grad((logits) => tf.sum(terms(logits as tf.Tensor2D)))(policy);
        return { values: terms(policy), gradient };
      };
      const { values, gradient } = await compile(run)(inputs);
      const wanted = expected[estimator];
      expect(difference([...values.data], wanted.values), estimator).toBeLessThan(1e-5);
      expect(difference([...gradient.data], wanted.gradient), estimator).toBeLessThan(1e-5);
      if (estimator === 'full') continue;
      const scalars = expected.logProbs.map((own, i) =>
        klEstimate(estimator, own, expected.referenceLogProbs[i]!),
      );
      expect(difference(scalars, wanted.values), estimator).toBeLessThan(1e-12);
    }
  });
});

describe('losses and their gradients against the independent script', () => {
  it.each(cases('policyLoss'))('policy: %s', async (_name, input, expected) => {
    const run = (inputs: Record<'logits' | 'tokens' | 'old' | 'advantages' | 'weights', tf.Tensor>) => {
      const terms = (logits: tf.Tensor) =>
        policyTerms(
          chosen(logits as tf.Tensor2D, inputs.tokens as tf.Tensor1D),
          inputs.old as tf.Tensor1D,
          inputs.advantages as tf.Tensor1D,
          { low: input.clip, high: input.clip },
        );
      const mean = (values: tf.Tensor) => tf.sum(tf.mul(values, inputs.weights));
      const { losses, logRatios, clipped } = terms(inputs.logits);
      return {
        loss: mean(losses),
        gradient: tf.grad((logits) => mean(terms(logits).losses))(inputs.logits),
        clipFraction: mean(clipped),
        approxKl: tf.neg(mean(logRatios)),
        ratios: tf.exp(logRatios),
      };
    };
    const found: Record<string, NDArray> = await compile(run)({
      logits: matrix(input.logits),
      tokens: ids(input.tokens),
      old: vector(input.oldLogProbs),
      advantages: vector(input.advantages),
      weights: vector(input.weights),
    });
    for (const [name, want] of Object.entries(expected)) {
      expect(difference([...found[name]!.data], want), name).toBeLessThan(1e-5);
    }
  });

  it.each(cases('valueLoss'))('value: %s', async (_name, input, expected) => {
    const run = (inputs: Record<'values' | 'old' | 'returns' | 'weights', tf.Tensor1D>) => {
      const loss = (values: tf.Tensor) =>
        tf.sum(
          tf.mul(valueLosses(values as tf.Tensor1D, inputs.old, inputs.returns, input.clip), inputs.weights),
        );
      return { loss: loss(inputs.values), gradient: tf.grad(loss)(inputs.values) };
    };
    const found = await compile(run)({
      values: vector(input.values),
      old: vector(input.oldValues),
      returns: vector(input.returns),
      weights: vector(input.weights),
    });
    expect(difference([...found.loss.data], expected.loss)).toBeLessThan(1e-5);
    expect(maxRelativeDifference({ g: found.gradient }, { g: vector(expected.gradient) })).toBeLessThan(1e-5);
  });
});
