import { createRandom } from '@gram/base';
import { copyWeights, initWeights, type ModelConfig } from '@gram/model';
import { afterEach, describe, expect, it } from 'vitest';
import { tinyModel } from '../__fixtures__/tiny-model.js';
import { microBatches } from '../batches/micro-batches.js';
import { bradleyTerry } from '../objectives/bradley-terry.js';
import { directPreference } from '../objectives/direct-preference.js';
import type { Objective } from '../objectives/objective.js';
import { preference } from '../objectives/preference.js';
import { supervisedFineTuning } from '../objectives/token-generation.js';
import { sgd } from '../optimizers/sgd.js';
import { createTrainingStep, type TrainingStep } from './training-step.js';

const config: ModelConfig = { ...tinyModel, maxPositionEmbeddings: 512, tieWordEmbeddings: false };
const scorer: ModelConfig = { ...config, architecture: 'LlamaForSequenceClassification' };
const random = createRandom(1, 'examples');
const text = (length: number) => Array.from({ length }, () => 2 + random.integer(18));
const response = (length: number) => ({
  ids: text(length),
  lossFrom: length - 1 - random.integer(length - 2),
});
const reference = { chosen: -3, rejected: -2 };
/** Each with three lengths that are no multiple of 128. */
const lengths = [20, 70, 40];

const cases: [string, ModelConfig, Objective<never>, (length: number) => unknown][] = [
  ['demonstrations', config, supervisedFineTuning as Objective<never>, response],
  [
    'labels',
    config,
    preference({ labels: [0, 1] }) as Objective<never>,
    (length) => ({ ids: text(length), label: random.integer(2) }),
  ],
  [
    'pairs',
    config,
    directPreference() as Objective<never>,
    (length) => ({ chosen: response(length), rejected: response(length), reference }),
  ],
  [
    'scores',
    scorer,
    bradleyTerry() as Objective<never>,
    (length) => ({ chosen: text(length), rejected: text(length - 3) }),
  ],
];

const opened: TrainingStep[] = [];
afterEach(() => {
  for (const step of opened.splice(0)) step.dispose();
});

function open(model: ModelConfig, objective: Objective<never>): TrainingStep {
  const weights = copyWeights(initWeights(model, createRandom(2, 'weights'), 0.3));
  const step = createTrainingStep(model, objective, sgd(), weights, {});
  opened.push(step);
  return step;
}

/** Takes a step for each list of examples, and gives losses and norms. */
async function take(step: TrainingStep, objective: Objective<never>, batches: readonly unknown[][]) {
  const results: number[] = [];
  for (const [i, examples] of batches.entries()) {
    const arrays = microBatches(objective, examples as never[], 2);
    const options = { update: i + 1, learningRate: 0.01, maxGradientNorm: 1 };
    const { loss, gradientNorm } = await step.run(arrays, options);
    results.push(loss, gradientNorm);
  }
  return results;
}

describe.each(cases)('steps over %s', (_name, model, objective, example) => {
  const own = { ...objective, perToken: undefined };
  const ofTwo = lengths.map((length) => [example(length), example(length)]);
  const ofThree = lengths.map((length) => [example(length), example(length), example(length)]);

  it('of all lengths share a graph that computes what graphs of their own do', async () => {
    const [shared, apart] = [open(model, objective), open(model, own)];
    const [expected, found] = [await take(apart, own, ofTwo), await take(shared, objective, ofTwo)];
    for (const [i, value] of found.entries()) expect(value / expected[i]!).toBeCloseTo(1, 5);
    // Beside the norm of the gradients and the update.
    expect(apart.executables).toHaveLength(lengths.length + 2);
    expect(shared.executables).toHaveLength(1 + 2);
  });

  it('of several micro-batches have one graph for all of these', async () => {
    const shared = open(model, objective);
    await take(shared, objective, ofThree);
    expect(shared.executables).toHaveLength(1 + 2);
  });
});

it('has a graph of its own for lengths whose attention is computed in blocks', async () => {
  const step = open(config, supervisedFineTuning as Objective<never>);
  const batches = [200, 256].map((length) => [response(length), response(length)]);
  await take(step, supervisedFineTuning as Objective<never>, batches);
  expect(step.executables).toHaveLength(2 + 2);
});
