import { createRandom } from '@gram/base';
import { compile, type NDArray } from '@gram/engine';
import { maxRelativeDifference } from '@gram/engine/testing';
import { initWeights, type ModelConfig, values } from '@gram/model';
import type * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NamedTensors } from '../optimizers/optimizer.js';
import { lossAndGradients } from '../steps/gradient-pass.js';
import { type BatchTensors, lastPositions, padRows } from './batch.js';
import { bradleyTerry } from './bradley-terry.js';
import { directPreference } from './direct-preference.js';
import { generalizableReward } from './generalizable-reward.js';
import type { Objective } from './objective.js';
import { preference } from './preference.js';
import { pairGeneration, supervisedFineTuning } from './token-generation.js';

const speaking: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 24,
  hiddenSize: 8,
  intermediateSize: 12,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  headDim: 4,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 16,
  tieWordEmbeddings: false,
};
const scoring: ModelConfig = { ...speaking, architecture: 'LlamaForSequenceClassification' };
const both: ModelConfig = { ...scoring, keepsLanguageHead: true, scoreHead: { hiddenSize: 6 } };

const COUNT = 5;
const LENGTH = 12;

const random = createRandom(5, 'examples');
const many = <T>(make: () => T): T[] => Array.from({ length: COUNT }, make);
const written = (shortest = 3) => {
  const length = shortest + random.integer(LENGTH - shortest + 1);
  const ids = Array.from({ length }, () => random.integer(24));
  return { ids, lossFrom: 1 + random.integer(length - 1) };
};
const sides = () => ({ chosen: written(), rejected: written() });
const judged = many(() => ({ ids: written().ids, label: random.integer(2) as 0 | 1 }));
const rewarded = many(() => {
  const { chosen, rejected } = sides();
  return { chosen: chosen.ids, rejected: rejected.ids, margin: random.uniform() };
});
const referenced = many(() => ({
  ...sides(),
  reference: { chosen: -20 * random.uniform(), rejected: -20 * random.uniform() },
}));

/** Loss and gradients of a step that is cut into micro-batches at the given places, all of them of the same size. */
function stepOf<Example>(config: ModelConfig, objective: Objective<Example>, examples: readonly Example[]) {
  const weights = initWeights(config, createRandom(2, 'weights'), 0.5);
  const fn = lossAndGradients(config, objective);
  const run = compile((inputs: { weights: NamedTensors; batch: BatchTensors }) =>
    fn({ ...inputs, gradients: {} }),
  );
  const total = examples.reduce((sum, example) => sum + objective.weight(example), 0);
  return async (cuts: readonly number[]) => {
    const bounds = [0, ...cuts, examples.length];
    const sums: Record<string, Float32Array> = {};
    const add = (name: string, { data }: NDArray) => {
      sums[name] ??= new Float32Array(data.length);
      const sum = sums[name];
      for (let i = 0; i < data.length; i++) sum[i]! += data[i]!;
    };
    for (const [i, end] of bounds.slice(1).entries()) {
      const batch = objective.batch(examples.slice(bounds[i], end), COUNT, LENGTH, total);
      const { loss, gradients, metrics } = await run({ weights, batch });
      for (const [name, array] of Object.entries({ loss, ...gradients, ...metrics })) add(name, array);
    }
    return Object.fromEntries(
      Object.entries(sums).map(([name, data]) => [
        name,
        { dtype: 'float32', shape: [data.length], data } as NDArray,
      ]),
    );
  };
}

const steps = {
  'stage 1': stepOf(speaking, pairGeneration, many(written)),
  'supervised fine-tuning': stepOf(speaking, supervisedFineTuning, many(written)),
  'stage 2': stepOf(speaking, preference({ labels: [3, 7] }), judged),
  'stage 2, full vocabulary': stepOf(speaking, preference({ labels: [3, 7], vocabulary: 'full' }), judged),
  'Bradley-Terry': stepOf(scoring, bradleyTerry(), rewarded),
  'Bradley-Terry, smoothed, with margins': stepOf(
    scoring,
    bradleyTerry({ labelSmoothing: 0.1, margin: true }),
    rewarded,
  ),
  'GRM, sft': stepOf(both, generalizableReward('sft', { weight: 0.3 }), referenced),
  'GRM, dpo': stepOf(both, generalizableReward('dpo', { weight: 0.3 }), referenced),
  DPO: stepOf(speaking, directPreference({ labelSmoothing: 0.1 }), referenced),
};

/** Places to cut at; the same one twice makes an empty micro-batch, of padding only. */
const anyCuts = fc
  .array(fc.integer({ min: 0, max: COUNT }), { minLength: 1, maxLength: COUNT })
  .map((cuts) => cuts.sort((a, b) => a - b));

describe.each(Object.entries(steps))('%s', (_name, step) => {
  it('is the same step however it is cut into micro-batches', async () => {
    const whole = await step([]);
    expect(whole.loss!.data[0]).toBeGreaterThan(0.01);
    await fc.assert(
      fc.asyncProperty(anyCuts, async (cuts) => {
        const parts = await step(cuts);
        for (const [name, expected] of Object.entries(whole)) {
          // The last bias of a score head has a gradient of zero, which is rounding.
          const floor = name === 'score.2.bias' ? 1 : 1e-6;
          expect(maxRelativeDifference(parts[name], expected, floor), name).toBeLessThanOrEqual(1e-5);
        }
      }),
      { numRuns: 8 },
    );
  });
});

describe('positive regularization', () => {
  it('is a mean over the micro-batch, so that a step depends on how it is cut', async () => {
    const pulled = stepOf(scoring, bradleyTerry({ positiveRegularization: 1 }), rewarded);
    const plain = (await steps['Bradley-Terry']([])).loss!.data[0]!;
    const rewards = await rewardsOf(rewarded.map(({ chosen }) => chosen));
    const pull = (part: readonly number[]) =>
      (part.length / COUNT) * Math.log1p(Math.exp(-part.reduce((sum, r) => sum + r, 0) / part.length));
    const [whole, apart] = [pull(rewards), rewards.reduce((sum, r) => sum + pull([r]), 0)];
    expect(apart).toBeGreaterThan(whole + 1e-4);
    const cases: [number[], number][] = [
      [[], whole],
      [[1, 2, 3, 4], apart],
      [[2], pull(rewards.slice(0, 2)) + pull(rewards.slice(2))],
      // A micro-batch of padding only.
      [[0], whole],
    ];
    for (const [cuts, expected] of cases) {
      expect((await pulled(cuts)).loss!.data[0]! - plain, `cut at ${cuts}`).toBeCloseTo(expected, 5);
    }
  });
});

async function rewardsOf(texts: readonly (readonly number[])[]): Promise<number[]> {
  const weights = initWeights(scoring, createRandom(2, 'weights'), 0.5);
  const run = compile((inputs: { weights: NamedTensors; tokens: tf.Tensor2D; last: tf.Tensor1D }) => ({
    rewards: values(scoring, inputs.weights, inputs.tokens, inputs.last),
  }));
  const tokens = padRows(texts, texts.length, LENGTH);
  const { rewards } = await run({ weights, tokens, last: lastPositions(texts, texts.length) });
  return Array.from(rewards.data);
}
