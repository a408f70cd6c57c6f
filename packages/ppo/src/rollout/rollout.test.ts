import { createRandom } from '@gram/base';
import { compile, type NDArray } from '@gram/engine';
import { maxRelativeDifference } from '@gram/engine/testing';
import { initWeights } from '@gram/model';
import { createResponseSampler } from '@gram/reward';
import { type BatchTensors, lossAndGradients, type Objective } from '@gram/train';
import type * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { tinyConfig, tinyEncoder, tinyPrompts, tinyRun, tinyTokenizer } from '../__fixtures__/tiny-run.js';
import { type PolicyExample, policyObjective } from '../objectives/policy.js';
import { type ValueExample, valueObjective } from '../objectives/value.js';
import { collect, responseTokens, rewardGroups } from './collect.js';
import { createTokenMeter } from './token-meter.js';

const { policy, value } = tinyRun();
const other = initWeights(tinyConfig, createRandom(8, 'another policy'));
const sampler = createResponseSampler({ ...policy, tokenizer: tinyTokenizer, encoder: tinyEncoder });
const meterOf = (reference = policy.weights) =>
  createTokenMeter({ config: tinyConfig, policy: policy.weights, reference, value });
const meter = meterOf();
afterAll(() => {
  sampler.dispose();
  meter.dispose();
});

const options = {
  samplesPerPrompt: 3,
  sampling: { temperature: 0.75, topP: 0.95 },
  greedyReference: true,
  maxNewTokens: 12,
  seed: 4,
  stream: 1,
};
const rollouts = await collect(sampler, tinyPrompts, options);
const tokens = responseTokens(rollouts);
const close = (a: readonly number[], b: readonly number[]) => {
  expect(a).toHaveLength(b.length);
  for (const [i, number] of a.entries()) expect(Math.abs(number - b[i]!)).toBeLessThan(1e-5);
};

/** What the gradient steps would learn from, with made-up advantages and returns. */
const examples: (PolicyExample & ValueExample)[] = tokens.map((response, i) => {
  const random = createRandom(5, 'made up', i);
  const each = () => response.logProbabilities.map(() => random.normal());
  return {
    ...response,
    referenceLogProbabilities: each().map((n) => -Math.abs(n)),
    advantages: each(),
    values: each(),
    klWeight: 0.5,
    returns: each(),
  };
});

describe('rollouts', () => {
  it('draws the samples asked for and the greedy response beside them', () => {
    expect(rollouts.map(({ prompt }) => prompt.id)).toEqual(tinyPrompts.map(({ id }) => id));
    for (const { responses } of rollouts) {
      expect(responses).toHaveLength(3);
      expect(new Set(responses.map(({ ids }) => String(ids))).size).toBeGreaterThan(1);
    }
    expect(rewardGroups(rollouts)[0]).toEqual({
      ...tinyPrompts[0],
      responses: rollouts[0]!.responses.map(({ text }) => text),
      lengths: rollouts[0]!.responses.map(({ ids }) => ids.length),
      ended: rollouts[0]!.responses.map(({ finished }) => finished === 'stop'),
      reference: rollouts[0]!.reference,
    });
  });

  it('draws the same again, and something else in another step or with another seed', async () => {
    const texts = (all: typeof rollouts) => all.map(({ responses }) => responses.map(({ ids }) => ids));
    expect(texts(await collect(sampler, tinyPrompts, options))).toEqual(texts(rollouts));
    expect(texts(await collect(sampler, tinyPrompts, { ...options, stream: 2 }))).not.toEqual(
      texts(rollouts),
    );
    expect(texts(await collect(sampler, tinyPrompts, { ...options, seed: 5 }))).not.toEqual(texts(rollouts));
  });
});

describe('log-probabilities', () => {
  it('are not measured where positions turn by the length of a batch', async () => {
    const ropeScaling = { type: 'dynamic', factor: 2, originalMaxPositionEmbeddings: 4 } as const;
    const scaled = createTokenMeter({
      config: { ...tinyConfig, ropeScaling },
      policy: policy.weights,
      reference: policy.weights,
    });
    await expect(scaled.reference(tokens, false)).rejects.toMatchObject({
      code: 'bad-option',
      message: expect.stringContaining('learns from at most 4'),
    });
    scaled.dispose();
  });

  it('of the sampler and of the full forward pass agree, so that the first ratio is 1', async () => {
    const measured = await meter.reference(tokens, true);
    for (const [i, { logProbabilities, kl }] of measured.entries()) {
      close(tokens[i]!.logProbabilities, logProbabilities);
      for (const ratio of logProbabilities.map((own, t) => Math.exp(own - tokens[i]!.logProbabilities[t]!))) {
        expect(Math.abs(ratio - 1)).toBeLessThan(1e-5);
      }
      expect(Math.max(...kl!.map(Math.abs))).toBeLessThan(1e-5);
    }
  });

  it('in the objective agree with those of the sampler at the first mini-batch', async () => {
    const objective = policyObjective({ clip: { low: 0.2, high: 0.2 } });
    const { loss, metrics } = await evaluate(objective, policy.config, policy.weights, examples);
    expect(Math.abs(metrics.approxKl!.data[0]!)).toBeLessThan(1e-5);
    expect(metrics.clipped!.data[0]).toBe(0);
    const flat = examples.flatMap(({ advantages }) => advantages);
    const mean = flat.reduce((sum, a) => sum + a, 0) / flat.length;
    expect(Math.abs(loss.data[0]! + mean)).toBeLessThan(1e-5);
  });
});

describe('padding, order and batch size change nothing', () => {
  it('of the reference, the exact KL and the values', async () => {
    const meter = meterOf(other);
    const all = await meter.reference(tokens, true);
    const values = await meter.values(tokens);
    const backwards = [...tokens].reverse();
    const [allBack, valuesBack] = [await meter.reference(backwards, true), await meter.values(backwards)];
    for (const [i, response] of tokens.entries()) {
      const [alone] = await meter.reference([response], true);
      const [plain] = await meter.reference([response], false);
      const [valuesAlone] = await meter.values([response]);
      for (const measured of [alone!, allBack[tokens.length - 1 - i]!]) {
        close(measured.logProbabilities, all[i]!.logProbabilities);
        close(measured.kl!, all[i]!.kl!);
      }
      close(plain!.logProbabilities, all[i]!.logProbabilities);
      close(valuesAlone!, values[i]!);
      close(valuesBack[tokens.length - 1 - i]!, values[i]!);
      expect(Math.min(...all[i]!.kl!)).toBeGreaterThan(0);
    }
    meter.dispose();
  });

  it.each([
    ['policy', policyObjective({ clip: { low: 0.2, high: 0.2 } }), policy],
    [
      'policy with the exact KL',
      policyObjective({ clip: { low: 0.2, high: 0.2 }, kl: { estimator: 'full', reference: other } }),
      policy,
    ],
    [
      'policy with k3',
      policyObjective({ clip: { low: 0.2, high: 0.2 }, kl: { estimator: 'k3', reference: other } }),
      policy,
    ],
    [
      'policy by responses',
      policyObjective({ clip: { low: 0.2, high: 0.28 }, aggregation: 'sequence' }),
      policy,
    ],
    [
      'policy by the largest length, with an entropy bonus',
      policyObjective({
        ...{ clip: { low: 0.2, high: 0.28 }, aggregation: 'fixed' },
        ...{ maxNewTokens: 12, entropyWeight: 0.1 },
      }),
      policy,
    ],
    ['value', valueObjective(0.2), value],
  ] as [string, Objective<PolicyExample & ValueExample>, typeof value][])(
    'of the loss and the gradients: %s',
    async (_name, objective, { config, weights }) => {
      const whole = await evaluate(objective, config, weights, examples);
      const backwards = await evaluate(objective, config, weights, [...examples].reverse(), 5, 7);
      const total = examples.reduce((sum, example) => sum + objective.weight(example), 0);
      let loss = 0;
      const sums = Object.fromEntries(
        Object.entries(weights).map(([name, { data }]) => [name, new Float64Array(data.length)]),
      );
      for (let start = 0; start < examples.length; start += 5) {
        const part = await evaluate(
          objective,
          config,
          weights,
          examples.slice(start, start + 5),
          0,
          0,
          total,
        );
        loss += part.loss.data[0]!;
        for (const [name, { data }] of Object.entries(part.gradients)) {
          for (const [i, number] of data.entries()) sums[name]![i]! += number;
        }
      }
      expect(Math.abs(backwards.loss.data[0]! - whole.loss.data[0]!)).toBeLessThan(1e-5);
      expect(Math.abs(loss - whole.loss.data[0]!)).toBeLessThan(1e-5);
      expect(maxRelativeDifference(backwards.gradients, whole.gradients)).toBeLessThan(1e-5);
      for (const [name, { data }] of Object.entries(whole.gradients)) {
        const scale = Math.max(1e-6, ...Array.from(data, Math.abs));
        const worst = Math.max(...Array.from(data, (number, i) => Math.abs(number - sums[name]![i]!)));
        expect(worst / scale, name).toBeLessThan(1e-5);
      }
    },
  );
});

/** Loss, metrics and gradients of one micro-batch with some rows and positions more than there are. */
async function evaluate<E>(
  objective: Objective<E>,
  config: typeof tinyConfig,
  weights: typeof policy.weights,
  some: readonly E[],
  moreRows = 0,
  moreLength = 0,
  total = some.reduce((sum, example) => sum + objective.weight(example), 0),
) {
  const length = Math.max(...some.map((example) => objective.length(example))) + moreLength;
  const batch = objective.batch(some, some.length + moreRows, length, total);
  const fn = lossAndGradients(config, objective);
  const run = compile((inputs: { weights: Record<string, tf.Tensor>; batch: BatchTensors }) =>
    fn({ ...inputs, gradients: {} }),
  );
  const result = await run({ weights, batch });
  run.dispose();
  return result as { loss: NDArray; metrics: Record<string, NDArray>; gradients: Record<string, NDArray> };
}
