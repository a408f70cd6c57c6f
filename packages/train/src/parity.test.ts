import { createRandom } from '@gram/base';
import { compile } from '@gram/engine';
import { evaluate, maxRelativeDifference } from '@gram/engine/testing';
import { initWeights, type ModelConfig } from '@gram/model';
import { describe, expect, it } from 'vitest';
import type { BatchTensors } from './objectives/batch.js';
import { bradleyTerry } from './objectives/bradley-terry.js';
import type { Objective } from './objectives/objective.js';
import { preference } from './objectives/preference.js';
import { pairGeneration } from './objectives/token-generation.js';
import type { NamedTensors } from './optimizers/optimizer.js';
import { lossAndGradients } from './steps/gradient-pass.js';

const random = createRandom(11, 'parity');
const ids = (length: number) => Array.from({ length }, () => random.integer(50));

const base: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 50,
  hiddenSize: 32,
  intermediateSize: 48,
  numHiddenLayers: 3,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 64,
  tieWordEmbeddings: true,
};

const heads = [
  ['tied, grouped', {}],
  ['tied, ungrouped', { numKeyValueHeads: 4 }],
  ['untied, grouped', { tieWordEmbeddings: false }],
  ['untied, ungrouped', { tieWordEmbeddings: false, numKeyValueHeads: 4 }],
] as const;

function weightsOf(config: ModelConfig) {
  const weights = initWeights(config, createRandom(3, 'weights'));
  for (const array of Object.values(weights)) for (let i = 0; i < array.data.length; i++) array.data[i]! *= 2;
  return weights;
}

async function check<E>(config: ModelConfig, objective: Objective<E>, examples: readonly E[]) {
  const length = Math.max(...examples.map((example) => objective.length(example))) + 3;
  const total = examples.reduce((sum, example) => sum + objective.weight(example), 0);
  // One row more than there are examples, so that padding takes part.
  const batch = objective.batch(examples, examples.length + 1, length, total);
  const fn = lossAndGradients(config, objective);
  const weights = weightsOf(config);
  const run = ({ weights, batch }: { weights: NamedTensors; batch: BatchTensors }) =>
    fn({ weights, gradients: {}, batch });
  const traced = await compile(run)({ weights, batch });
  const eager = await evaluate(run, { weights, batch });
  expect(Number.isFinite(traced.loss.data[0])).toBe(true);
  expect(maxRelativeDifference({ loss: traced.loss }, { loss: eager.loss })).toBeLessThanOrEqual(1e-5);
  for (const name of Object.keys(weights)) {
    const difference = maxRelativeDifference({ g: traced.gradients[name] }, { g: eager.gradients[name] });
    expect(difference, `gradient of ${name}`).toBeLessThanOrEqual(1e-5);
    expect(
      Math.max(...Array.from(eager.gradients[name]!.data, Math.abs)),
      `gradient of ${name}`,
    ).toBeGreaterThan(0);
  }
}

describe.each(heads)("the traced step against TensorFlow.js' own backend: %s", (_name, change) => {
  const config: ModelConfig = { ...base, ...change };

  it('stage 1', () =>
    check(config, pairGeneration, [
      { ids: ids(12), lossFrom: 4 },
      { ids: ids(17), lossFrom: 9 },
    ]));

  it('stage 2', () =>
    check({ ...config }, preference({ labels: [5, 9] }), [
      { ids: ids(14), label: 0 },
      { ids: ids(9), label: 1 },
      { ids: ids(20), label: 1 },
    ]));

  it('Bradley-Terry', () =>
    check({ ...config, architecture: 'LlamaForSequenceClassification' }, bradleyTerry(), [
      { chosen: ids(8), rejected: ids(13) },
      { chosen: ids(15), rejected: ids(11) },
    ]));
});
